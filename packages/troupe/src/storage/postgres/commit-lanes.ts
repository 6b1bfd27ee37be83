/**
 * Executes changes: those of one user in the order they came, those of others beside them. What failed in a way that did
 * nothing is repeated; what nobody knows the outcome of is sent again under its id, which tells.
 *
 * Invariant: every change accepted is answered exactly once.
 */
import { failure, type Ids, type Random, type TroupeError } from '../../core/index.ts'
import { checkChange } from '../check-change.ts'
import type { Change, CommitResult } from '../port.ts'
import { Patience, pause } from './patience.ts'
import { messageOf } from './postgres-error.ts'
import type { Failed, Outcome, Transactions } from './transaction.ts'

export interface CommitLanesOptions {
  readonly transactions: Transactions
  readonly random: Random
  readonly ids: Ids
  /** For messages. */
  readonly place: string
  /** How long an outcome is tried to be found out, ms. */
  readonly patienceMs: number
  /** Before the caller hears of it. */
  readonly committed: (change: Change, result: CommitResult) => void
}

/** Changes that may wait; more are refused, for whoever makes them is faster than the database. */
const maxWaiting = 65_536
/** Deadlocks and the like, for one change. */
const maxRepeats = 20

export class CommitLanes {
  readonly #options: CommitLanesOptions
  /** The last change of each user that has one on its way. */
  readonly #tails = new Map<string, Promise<unknown>>()
  #waiting = 0
  #closed = false
  #idle: (() => void)[] = []

  constructor(options: CommitLanesOptions) {
    this.#options = options
  }

  async commit(change: Change): Promise<CommitResult> {
    if (this.#closed) throw failure('troupe.closed', { what: 'A change' })
    if (this.#waiting >= maxWaiting) throw failure('storage.busy', { limit: maxWaiting })
    checkChange(change)
    this.#waiting++
    try {
      const result = await this.#inLane(change)
      this.#options.committed(change, result)
      return result
    } finally {
      this.#waiting--
      if (this.#waiting === 0) for (const tell of this.#idle.splice(0)) tell()
    }
  }

  /** Refuses what comes from now on, and resolves when all that was accepted is answered. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#waiting > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #inLane(change: Change): Promise<CommitResult> {
    if (!('user' in change.scope)) return this.#execute(change)
    const { user } = change.scope
    const before = this.#tails.get(user)
    const mine = before ? before.then(() => this.#execute(change)) : this.#execute(change)
    const tail = mine.then(
      () => {},
      () => {},
    )
    this.#tails.set(user, tail)
    void tail.then(() => {
      if (this.#tails.get(user) === tail) this.#tails.delete(user)
    })
    return mine
  }

  async #execute(change: Change): Promise<CommitResult> {
    const { transactions, random, ids, patienceMs } = this.#options
    const id = change.id ?? ids.next()
    const patience = new Patience(patienceMs)
    let unknown = false
    for (let attempt = 1; ; attempt++) {
      const outcome = await transactions.change(change, id)
      const result = await this.#resultOf(change, id, outcome, unknown)
      if (result) return result
      const { meaning, sent, error } = outcome as Failed
      const { kind } = meaning
      if (kind === 'lost' && sent) unknown = true
      const over = kind === 'lost' ? patience.isOver() : attempt >= maxRepeats
      if (over) throw this.#failed(error)
      await pause((kind === 'lost' ? 50 : 2) * Math.min(2 ** attempt, 32) * (0.5 + random.next()))
    }
  }

  /** @returns undefined where it is to be tried again */
  async #resultOf(change: Change, id: string, outcome: Outcome, unknown: boolean): Promise<CommitResult | undefined> {
    if (outcome.kind === 'done') {
      const { rows, affected, revision, at } = outcome
      return { ok: true, rows, affected, revision, at, repeated: false }
    }
    const { meaning, statement, error } = outcome
    if (meaning.kind === 'lost' || meaning.kind === 'again') return undefined
    if (meaning.kind === 'unexpected') return refused(change, meaning.statement, meaning.found)
    if (meaning.kind === 'taken' && statement >= 0) return refused(change, statement, 0)
    if (meaning.kind === 'repeated') return this.#repeated(change, id, unknown)
    if (meaning.kind === 'full') throw failure('storage.full', { path: this.#options.place }, { cause: error })
    if (meaning.kind === 'invalid' && statement >= 0)
      throw failure('invariant.broken', { rule: `statements are valid (${messageOf(error)})` }, { cause: error })
    throw this.#failed(error)
  }

  async #repeated(change: Change, id: string, unknown: boolean): Promise<CommitResult> {
    // The caller gave no id, so it counts on rows that are lost with the answer.
    if (unknown && change.id === null && change.statements.some(({ returns }) => returns))
      throw this.#failed(new Error('the connection was lost; the change was committed, its answer is lost'))
    const user = 'user' in change.scope ? change.scope.user : ''
    const found = await this.#options.transactions.read(change.scope, [
      { sql: 'select at, revision from storage_changes where id = $1 and user_id = $2', binds: [id, user] },
    ])
    const row = found.kind === 'done' ? found.rows[0]?.[0] : undefined
    if (!row) throw this.#failed(found.kind === 'failed' ? found.error : new Error('the change is not found'))
    const revision = row.revision === null ? null : Number(row.revision)
    return { ok: true, rows: [], affected: [], revision, at: Number(row.at), repeated: true }
  }

  #failed(error: unknown): TroupeError {
    return failure('storage.io', { path: this.#options.place, problem: messageOf(error) }, { cause: error })
  }
}

function refused(change: Change, statement: number, found: number): CommitResult {
  const { otherwise, detail } = change.statements[statement] ?? {}
  const code = otherwise ?? 'storage.expectation'
  return { ok: false, code, statement, found, ...(detail === undefined ? {} : { detail }) }
}
