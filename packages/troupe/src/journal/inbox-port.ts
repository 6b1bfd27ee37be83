/**
 * Inboxes of journals: a step reports to its run (asked, parked, outcome), and a run to its step (an answer). A row is
 * written in the change that makes it true, and removed in the change that appends it to its journal, so that each
 * arrives exactly once.
 */
import type { Json, UserId } from '../core/index.ts'
import type { Fragment, Row, Statement } from '../storage/index.ts'
import type { Body, JournalId } from './journal-port.ts'

export interface InboxRow {
  readonly id: number
  readonly from: JournalId
  /** The name under which it was written, which distinguishes the rows of one sender. */
  readonly name: string
  readonly body: Json
}

export interface Inbox {
  /** Idempotent per (journal, from, name): a second put of the same name changes nothing, nor does one to a run that is over. */
  put(user: UserId, to: JournalId, from: JournalId, name: string, body: Body): Fragment
  /** Returns the rows in the order of their commits. */
  read(user: UserId, journal: JournalId, limit: number): Promise<readonly InboxRow[]>
  /** Removes the row with this name, if it is still unread. */
  withdraw(user: UserId, to: JournalId, from: JournalId, name: string): Fragment
  /** Expects that nothing lies there, for a change that lets a journal go; `inbox.pending` otherwise. */
  empty(user: UserId, journal: JournalId): Statement
  remove(user: UserId, journal: JournalId, ids: readonly number[]): Fragment
  /**
   * Called after a commit put something there, at least once, maybe late; at first for all that lies there already. In the
   * process that owns the run; in all processes where there is no owner.
   */
  onArrival(listener: (user: UserId, journal: JournalId) => void): () => void
  /** Finds inboxes whose hints were lost, by a read each second if several processes share the storage. */
  readonly missed: {
    statements(): readonly Statement[]
    read(rows: readonly (readonly Row[])[]): void
  }
}
