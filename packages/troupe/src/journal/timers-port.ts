/** Durable timers. A timer is a row until it is due; one change then moves it to the inbox of its journal. */
import type { Json, UserId } from '../core/index.ts'
import type { Fragment } from '../storage/index.ts'
import type { JournalId } from './journal-port.ts'

export interface Timers {
  /** @param due ms since 1970. Setting a timer of the same name again moves it. */
  set(user: UserId, journal: JournalId, name: string, due: number, body: Json): Fragment
  clear(user: UserId, journal: JournalId, name: string): Fragment
  /** Moves timers of a journal by so many ms. Timers that are not set or have arrived are not changed. */
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
