/** Timers that survive: a row until it falls due, then a row in the inbox of its journal, in one change. */
import type { Json, UserId } from '../core/index.ts'
import type { Fragment } from '../storage/index.ts'
import type { JournalId } from './journal-port.ts'

export interface Timers {
  /** @param due ms since 1970. Setting a timer of the same name again moves it. */
  set(user: UserId, journal: JournalId, name: string, due: number, body: Json): Fragment
  clear(user: UserId, journal: JournalId, name: string): Fragment
  /** Moves timers of a journal by so many ms; those that are not set, or have arrived, stay so. */
  shift(user: UserId, journal: JournalId, names: readonly string[], ms: number): Fragment
  /**
   * Returns whether processes must be notified of a timer: they read the timers every few minutes without that, so a
   * timer that is due later needs no notification.
   */
  isSoon(due: number): boolean
  /** Starts to deliver due timers. */
  start(): void
  stop(): Promise<void>
}
