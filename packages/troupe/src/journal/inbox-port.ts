/**
 * Inboxes of journals. A step reports to its run: a question, parking, its outcome. A run reports answers to its steps. A row
 * is written in the change that it reports, and removed in the change that appends it to the journal of the recipient, so
 * that it arrives exactly once.
 */
import type { Json, UserId } from '../core/index.ts'
import type { Fragment, Row, Statement } from '../storage/index.ts'
import type { Body, JournalId } from './journal-port.ts'

export interface InboxRow {
  readonly id: number
  readonly from: JournalId
  /** The name of the row, which is unique per sender. */
  readonly name: string
  readonly body: Json
}

export interface Inbox {
  /** Adds a row. A second row with the same journal, sender and name is dropped, and so is a row for a run that has ended. */
  put(user: UserId, to: JournalId, from: JournalId, name: string, body: Body): Fragment
  /** Returns the rows in the order of their commits. */
  read(user: UserId, journal: JournalId, limit: number): Promise<readonly InboxRow[]>
  /** Removes the row with this name, if it is still unread. */
  withdraw(user: UserId, to: JournalId, from: JournalId, name: string): Fragment
  /** Expects an empty inbox, for a change that releases a journal. A change with rows in the inbox fails with `inbox.pending`. */
  empty(user: UserId, journal: JournalId): Statement
  remove(user: UserId, journal: JournalId, ids: readonly number[]): Fragment
  /**
   * Registers a listener for inboxes with new rows, and calls it for all unread rows. It is called at least once after each
   * commit with a row, possibly late: in the process that owns the run, or in all processes if the run has no owner.
   */
  onArrival(listener: (user: UserId, journal: JournalId) => void): () => void
  /** Finds inboxes whose hints were lost, by a read each second if several processes share the storage. */
  readonly missed: {
    statements(): readonly Statement[]
    read(rows: readonly (readonly Row[])[]): void
  }
}
