/**
 * Notifies listeners after commits. Several changes are merged into one hint per user, with the newest revision, and
 * one per queue.
 */
import type { UserId } from '../../core/index.ts'
import type { Change, CommitResult, Hint, InboxArrival, Row, WorkQueue } from '../storage-port.ts'
import { Listeners } from './listeners.ts'

export class Hints {
  readonly #listeners = new Listeners<Hint>()
  readonly #revisions = new Map<UserId, number>()
  readonly #queues = new Set<WorkQueue>()
  #arrivals: InboxArrival[] = []

  on(listener: (hint: Hint) => void): () => void {
    return this.#listeners.on(listener)
  }

  record(change: Change, result: CommitResult): void {
    if (!result.ok) return
    for (const queue of change.wake ?? []) this.#queues.add(queue)
    for (const [i, { hints }] of change.statements.entries())
      if (hints) this.#arrivals.push(...(result.rows[i] ?? []).map(arrivalOf))
    if (result.revision === null || !('user' in change.scope)) return
    const { user } = change.scope
    this.#revisions.set(user, Math.max(result.revision, this.#revisions.get(user) ?? 0))
  }

  /** @returns the announced hints: all that were recorded since the last call */
  flush(): readonly Hint[] {
    if (this.#revisions.size === 0 && this.#queues.size === 0 && this.#arrivals.length === 0) return []
    const hints: Hint[] = [...this.#revisions].map(([user, revision]) => ({ user, revision }))
    for (const work of this.#queues) hints.push({ work })
    for (const arrival of this.#arrivals) hints.push({ arrival })
    this.#revisions.clear()
    this.#queues.clear()
    this.#arrivals = []
    this.forward(hints)
    return hints
  }

  /** Announces hints that other processes recorded. */
  forward(hints: readonly Hint[]): void {
    for (const hint of hints) this.#listeners.notify(hint)
  }
}

const arrivalOf = (row: Row): InboxArrival => ({
  owner: String(row.owner),
  user: String(row.user_id),
  journal: String(row.journal_id),
  arrivals: Number(row.arrivals),
})
