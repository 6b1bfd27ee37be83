/**
 * Executes single changes in the transaction of its caller.
 *
 * A savepoint per change makes the engine copy each page that the change writes, a fifth of the cost of a push. A
 * transaction therefore starts without savepoints: most rejections come from guards, before the change has written.
 * After a later rejection the transaction is rolled back and executed again with savepoints.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { ReplyCell } from '../../writer-port.ts'
import { errorClassOf, isTooBigForNumber, isUniqueViolation, messageOf } from '../error-class.ts'
import type { DecodedChange, DecodedStatement } from './decoder.ts'
import { type Prepared, prepareTexts, type Value } from './prepared-statement.ts'
import { mode, outcome } from './wire.ts'

const sql = {
  savepoint: 'savepoint change',
  release: 'release change',
  rollback: 'rollback to change',
  claim: 'insert into storage_changes (id, user_id, at) values (?, ?, ?) on conflict do nothing',
  claimed: 'select at, revision from storage_changes where id = ? and user_id = ?',
  stamp: 'update storage_changes set revision = ? where id = ? and user_id = ?',
  raise: `insert into storage_revisions (user_id, revision, horizon) values (?, 1, 0)
    on conflict (user_id) do update set revision = revision + 1`,
  // Costs half as much as `returning` would.
  revision: 'select revision from storage_revisions where user_id = ?',
  feed: 'insert into storage_feed (user_id, revision, ordinal, at, kind, key, data) values (?, ?, ?, ?, ?, ?, ?)',
} as const

/** The progress of a change, which may arrive in slices. */
export class Progress {
  /** The number of rows of each statement. */
  readonly counts: number[] = []
  /** The number of written feed items. */
  items = 0
  revision: number | null = null
}

/** Ends one change: thrown inside it and caught around it. */
export class RejectedChange {
  readonly cells: readonly ReplyCell[]
  constructor(...cells: readonly ReplyCell[]) {
    this.cells = cells
  }
}

export class ChangeExecutor {
  readonly #db: DatabaseSync
  readonly #own: Prepared<typeof sql>
  /** Whether the change in execution has written a row. */
  #wrote = false

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#own = prepareTexts(db, sql)
  }

  /** Executes a change without a savepoint. @returns false if a rejected change would leave rows */
  withoutSavepoint(change: DecodedChange, reply: ReplyCell[]): boolean {
    const mark = reply.length
    try {
      this.slice(change, reply)
      return true
    } catch (error) {
      if (errorClassOf(error) || !this.#db.isTransaction) throw error
      if (this.#wrote || !(error instanceof RejectedChange)) return false
      reply.length = mark
      reply.push(...error.cells)
      return true
    }
  }

  /** Executes a change behind a savepoint, so that its failure does not affect the others. */
  withSavepoint(change: DecodedChange, reply: ReplyCell[]): void {
    const mark = reply.length
    this.#own.savepoint.run([])
    let rejection = this.#attempt(change, reply)
    if (rejection === 'retry') rejection = this.#attempt(change, reply)
    if (rejection) {
      reply.length = mark
      reply.push(...(rejection === 'retry' ? [outcome.invalid, 'an integer is too large'] : rejection))
    }
    this.#own.release.run([])
  }

  /** @returns the cells of a rejection, or `retry` if a statement returned a large integer and now reads them */
  #attempt(change: DecodedChange, reply: ReplyCell[]): readonly ReplyCell[] | 'retry' | undefined {
    const mark = reply.length
    try {
      this.slice(change, reply)
      return undefined
    } catch (error) {
      if (!(error instanceof RejectedChange) && (errorClassOf(error) || !this.#db.isTransaction)) throw error
      reply.length = mark
      this.#own.rollback.run([])
      if (isTooBigForNumber(error)) return 'retry'
      return error instanceof RejectedChange ? error.cells : [outcome.invalid, messageOf(error)]
    }
  }

  /** Executes a slice of a change; the whole change by default. */
  slice(
    { id, user, at, statements, feed }: DecodedChange,
    reply: ReplyCell[],
    { progress, first, last } = { progress: new Progress(), first: true, last: true },
  ): void {
    if (first) this.#claim(id, user, at)
    reply.push(outcome.done, at, null)
    const revisionAt = reply.length - 1
    const { counts } = progress
    for (const statement of statements) counts.push(this.#statement(statement, counts, reply))
    if (feed.length > 0) {
      progress.revision ??= this.#raise(user)
      for (let i = 0; i < feed.length; i += 3, progress.items++)
        this.#own.feed.run([
          user,
          BigInt(progress.revision),
          BigInt(progress.items),
          BigInt(at),
          ...feed.slice(i, i + 3),
        ])
    }
    if (!last || progress.revision === null) return
    if (id !== null) this.#own.stamp.run([BigInt(progress.revision), id, user])
    reply[revisionAt] = progress.revision
  }

  #claim(id: string | null, user: string, at: number): void {
    this.#wrote = id !== null && this.#own.claim.run([id, user, BigInt(at)]) > 0
    if (id === null || this.#wrote) return
    const [row] = this.#own.claimed.rows([id, user])
    throw new RejectedChange(outcome.repeated, ...(row as Value[]))
  }

  /** @returns the new revision of the user */
  #raise(user: string): number {
    this.#own.raise.run([user])
    return this.#own.revision.rows([user])[0]?.[0] as number
  }

  #statement(statement: DecodedStatement, counts: readonly number[], reply: ReplyCell[]): number {
    const index = counts.length
    const prepared = statement.slot.prepared(this.#db)
    let count: number
    let rows: readonly (readonly Value[])[] | undefined
    try {
      rows = prepared.columns && prepared.rows(statement.binds)
      count = rows ? rows.length : prepared.run(statement.binds)
    } catch (error) {
      throw isUniqueViolation(error) ? new RejectedChange(outcome.unexpected, index, 0) : error
    }
    if (count > 0 && !prepared.reads) this.#wrote = true
    const same = statement.mode & mode.sameAs
    const fits = same ? count === counts[statement.low] : count >= statement.low && count <= statement.high
    if (!fits) throw new RejectedChange(outcome.unexpected, index, count)
    reply.push(count)
    if (statement.mode & mode.returns) {
      reply.push(prepared.columns ?? [], rows?.length ?? 0)
      if (rows) for (const row of rows) reply.push(...row)
    }
    return count
  }
}
