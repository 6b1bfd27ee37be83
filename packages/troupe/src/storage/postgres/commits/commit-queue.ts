/**
 * Executes changes: those of one user in order, those of different users concurrently. The waiting changes of a user
 * share a transaction. A change that failed without effect is repeated. A change whose outcome is unknown is sent again
 * under its id, which shows whether it was committed.
 *
 * Invariant: every accepted change is answered exactly once.
 */
import { setImmediate } from 'node:timers'
import { failure, type Ids, type Random } from '../../../core/index.ts'
import { checkChange } from '../../changes/check-change.ts'
import type { Change, CommitResult } from '../../storage-port.ts'
import type { PostgresSettings } from '../connections/connection-target.ts'
import { backoffMs, Deadline, pause } from '../connections/deadline.ts'
import type { Failed, TransactionOutcome, Transactions } from '../transactions.ts'
import { type AttemptedChange, answerChange } from './answer-change.ts'

export interface CommitQueueOptions {
  readonly transactions: Transactions
  readonly random: Random
  readonly ids: Ids
  /** The time to find out an unknown outcome is the same as the time to wait for a connection. */
  readonly settings: PostgresSettings
  /** Called before the caller gets the result. */
  readonly committed: (change: Change, result: CommitResult) => void
}

/**
 * The maximum number of waiting changes. More are rejected, because callers produce changes faster than the database
 * commits them.
 */
const maxWaiting = 65_536
/** In ms. */
const backoff = { lost: { first: 50, last: 800 }, retry: { first: 2, last: 64 } }
/**
 * The maximum number of changes in one transaction; bounds the wait of the user's other changes and the server's
 * savepoints.
 */
const maxGroup = 32

interface Waiting extends AttemptedChange {
  readonly resolve: (result: CommitResult) => void
  readonly reject: (error: unknown) => void
  unknown: boolean
}

/** The waiting changes of one user; the first ones may already be sent. */
interface Lane {
  readonly waiting: Waiting[]
  /**
   * The number of changes sent in one transaction. It is halved after a failure, because the changes after a failed one
   * are sent in vain.
   */
  size: number
}

export class CommitQueue {
  readonly #options: CommitQueueOptions
  readonly #lanes = new Map<string, Lane>()
  #waiting = 0
  #closed = false
  #idle: (() => void)[] = []

  constructor(options: CommitQueueOptions) {
    this.#options = options
  }

  async commit(change: Change): Promise<CommitResult> {
    if (this.#closed) throw failure('troupe.closed', { what: 'A change' })
    if (this.#waiting >= maxWaiting) throw failure('storage.busy', { limit: maxWaiting })
    checkChange(change)
    this.#waiting++
    try {
      return await this.#enqueue(change)
    } finally {
      this.#waiting--
      if (this.#waiting === 0) for (const resolve of this.#idle.splice(0)) resolve()
    }
  }

  /** Rejects new changes, and resolves when all accepted ones are answered. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#waiting > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #enqueue(change: Change): Promise<CommitResult> {
    const { settings, ids } = this.#options
    return new Promise((resolve, reject) => {
      const deadline = new Deadline(settings.acquireMs)
      // An urgent change may be executed twice, so it stores no id.
      const id = change.id ?? (change.urgent ? null : ids.next())
      const waiting = { change, id, deadline, resolve, reject, attempts: 0, unknown: false }
      // Changes of the work tables lock the rows that they write, and need no order among each other.
      if (!('user' in change.scope)) return void this.#drain({ waiting: [waiting], size: 1 })
      const { user } = change.scope
      const lane = this.#lanes.get(user)
      if (lane) return void lane.waiting.push(waiting)
      const made = { waiting: [waiting], size: maxGroup }
      this.#lanes.set(user, made)
      void this.#drain(made, user)
    })
  }

  async #drain(lane: Lane, user?: string): Promise<void> {
    let sent = this.#send(lane)
    while (sent) {
      const { group } = sent
      const outcomes = await sent.outcomes
      if (outcomes.every(({ kind }) => kind === 'done')) {
        lane.waiting.splice(0, group.length)
        lane.size = Math.min(2 * lane.size, maxGroup)
        const next = this.#send(lane)
        // The next changes are sent before these are answered, because the callers then occupy this process.
        if (next) await new Promise(setImmediate)
        for (const [i, waiting] of group.entries()) await this.#answer(waiting, outcomes[i] as TransactionOutcome)
        sent = next ?? this.#send(lane)
      } else {
        await this.#sort(lane, group, outcomes)
        sent = this.#send(lane)
      }
    }
    if (user !== undefined) this.#lanes.delete(user)
  }

  /** @returns undefined if no change waits */
  #send(
    lane: Lane,
  ): { readonly group: readonly Waiting[]; readonly outcomes: Promise<readonly TransactionOutcome[]> } | undefined {
    const group = lane.waiting.slice(0, lane.size)
    return group.length === 0 ? undefined : { group, outcomes: this.#execute(group) }
  }

  /**
   * Answers the changes that have a result. The others, from the first that must be repeated, stay at the head of the
   * lane.
   */
  async #sort(lane: Lane, group: readonly Waiting[], outcomes: readonly TransactionOutcome[]): Promise<void> {
    const left: Waiting[] = []
    for (const [i, waiting] of group.entries()) {
      const outcome = outcomes[i] as TransactionOutcome
      const asked = left.length === 0 || (outcome.kind === 'failed' && outcome.errorClass.kind === 'lost')
      if (!asked || !(await this.#answer(waiting, outcome))) left.push(waiting)
    }
    lane.waiting.splice(0, group.length, ...left)
    lane.size = left.length === 0 ? Math.min(2 * lane.size, maxGroup) : Math.max(1, lane.size >> 1)
    if (left.length > 0) await this.#beforeNext(left, outcomes[group.indexOf(left[0] as Waiting)] as Failed)
  }

  async #execute(group: readonly Waiting[]): Promise<readonly TransactionOutcome[]> {
    try {
      return await this.#options.transactions.changes(group)
    } catch (error) {
      return group.map(() => ({ kind: 'failed', errorClass: { kind: 'invalid' }, statement: -1, error, sent: false }))
    }
  }

  /** @returns false if the change must be attempted again */
  async #answer(waiting: Waiting, outcome: TransactionOutcome): Promise<boolean> {
    const { change } = waiting
    try {
      const result = await answerChange(waiting, outcome, this.#options)
      if (!result) return false
      this.#options.committed(change, result)
      waiting.resolve(result)
    } catch (error) {
      waiting.reject(error)
    }
    return true
  }

  /** Waits before the next attempt, unless the change was only aborted by the failure of an earlier one. */
  async #beforeNext(left: readonly Waiting[], { errorClass, sent }: Failed): Promise<void> {
    if (errorClass.kind === 'aborted') return
    const lost = errorClass.kind === 'lost'
    if (lost && sent) for (const waiting of left) waiting.unknown = true
    const [{ attempts }] = left as readonly [Waiting]
    await pause(backoffMs(attempts, lost ? backoff.lost : backoff.retry, this.#options.random))
  }
}
