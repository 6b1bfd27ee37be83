/**
 * Inboxes of journals: how a step tells its run (asked, parked, outcome) and a run its step (an answer). A row is put in
 * the change that makes it true, and removed in the change that appends it to its journal: each arrives exactly once.
 */
import type { Json, UserId } from '../core/index.ts'
import type { Fragment, Row, Statement } from '../storage/index.ts'
import type { JournalId } from './journal-port.ts'

export interface InboxRow {
  readonly id: number
  readonly from: JournalId
  /** As it was put: distinguishes what one sender puts there. */
  readonly name: string
  readonly body: Json
}

export interface Inbox {
  /** Idempotent per (journal, from, name): a second put of the same name changes nothing, nor does one to a run that is over. */
  put(user: UserId, to: JournalId, from: JournalId, name: string, body: Json): Fragment
  /** In the order of their commits. */
  read(user: UserId, journal: JournalId, limit: number): Promise<readonly InboxRow[]>
  /** Removes what was put under this name, if it lies there still. */
  withdraw(user: UserId, to: JournalId, from: JournalId, name: string): Fragment
  /** Expects that nothing lies there, for a change that lets a journal go; `inbox.pending` otherwise. */
  empty(user: UserId, journal: JournalId): Statement
  remove(user: UserId, journal: JournalId, ids: readonly number[]): Fragment
  /**
   * Called after a commit put something there, at least once, maybe late; at first for all that lies there already. In the
   * process that owns the run; in all processes where there is no owner.
   */
  onArrival(listener: (user: UserId, journal: JournalId) => void): () => void
  /** Finds what hints have missed, by a read that is made each second where several processes share the storage. */
  readonly missed: {
    statements(): readonly Statement[]
    read(rows: readonly (readonly Row[])[]): void
  }
}
