/**
 * Executes batches on the only connection that writes. Batches that arrive meanwhile share the transaction, which is
 * committed when none waits. The class has no thread, timer or clock; its shell decides where and when it runs.
 *
 * A savepoint per change makes the engine copy each page that the change writes, a fifth of the cost of a push. A
 * transaction therefore starts without savepoints: most rejections come from guards, before the change has written.
 * After a later rejection the transaction is rolled back and executed again with savepoints.
 *
 * Invariant: `handle` answers `ok` only after COMMIT returned. A batch with another answer is not visible; the remains
 * of a failed COMMIT in the log are overwritten by the probe that must succeed before the next batch.
 */
import type { DatabaseSync } from 'node:sqlite'
import type {
  ChangeBatch,
  ChangeSlice,
  ReplyCell,
  WriterFailure,
  WriterReply,
  WriterRequest,
} from '../../writer-port.ts'
import { errorClassOf, isTooBigForNumber, isUniqueViolation, messageOf } from '../error-class.ts'
import { type DecodedChange, type DecodedStatement, Decoder } from './decoder.ts'
import { PreparedStatement, type Value } from './prepared-statement.ts'
import { mode, outcome } from './wire.ts'

export interface WriterOptions {
  /** Returns a new connection that can write. */
  readonly open: () => DatabaseSync
  /** False if the data lives in the connection, which is then never replaced. */
  readonly reopens: boolean
  /** The number of pages in the log above which a checkpoint is made between transactions. */
  readonly checkpointPages?: number
  /** Returns why writes are not allowed now, even if the connection would accept them. */
  readonly fileMissing?: () => WriterFailure | undefined
}

/** The statements that storage itself executes. */
type Own = {
  readonly begin: PreparedStatement
  readonly commit: PreparedStatement
  readonly abandon: PreparedStatement
  readonly savepoint: PreparedStatement
  readonly release: PreparedStatement
  readonly rollback: PreparedStatement
  readonly claim: PreparedStatement
  readonly claimed: PreparedStatement
  readonly stamp: PreparedStatement
  readonly raise: PreparedStatement
  readonly revision: PreparedStatement
  readonly feed: PreparedStatement
  readonly log: PreparedStatement
}

const sql: Readonly<Record<keyof Own, string>> = {
  begin: 'begin immediate',
  commit: 'commit',
  abandon: 'rollback',
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
  log: 'pragma wal_checkpoint(noop)',
}

/**
 * The number of transactions with savepoints after a rejection of a change that had written; such rejections come in
 * groups.
 */
const carefulTransactions = 100
/**
 * The changes or cells at which a transaction accepts no more batches, so that the first batch does not wait too long.
 */
const transactionLimits = { changes: 256, cells: 131_072 }

/** The progress of a change, which may arrive in slices. */
interface Progress {
  /** The number of rows of each statement. */
  readonly counts: number[]
  /** The number of written feed items. */
  items: number
  revision: number | null
}

/** Ends one change: thrown inside it and caught around it. */
class RejectedChange {
  readonly cells: readonly ReplyCell[]
  constructor(...cells: readonly ReplyCell[]) {
    this.cells = cells
  }
}

export class Writer {
  readonly #options: WriterOptions
  #db: DatabaseSync
  #own: Own
  #decoder: Decoder
  /** The number of transactions still to be executed with savepoints. */
  #careful = 0
  /** The answer to every batch until a probe succeeds, because later batches depend on texts of earlier ones. */
  #failed: WriterFailure | undefined
  /** Whether the change in execution has written a row. */
  #wrote = false
  /** The progress of the change whose slices are arriving. */
  #progress: Progress | undefined

  /** @throws the errors of `open` */
  constructor(options: WriterOptions) {
    this.#options = options
    this.#db = options.open()
    this.#own = prepareOwn(this.#db)
    this.#decoder = new Decoder()
  }

  /**
   * Executes a request.
   * @param next returns a batch that has arrived meanwhile
   * @returns a reply for the request, and one for each further batch
   */
  handle(request: WriterRequest, next: () => ChangeBatch | undefined = none): readonly WriterReply[] {
    if (request.kind === 'slice') return [this.#failed ?? this.#slice(request)]
    if (this.#progress) this.#abandonSlices()
    if (request.kind === 'batch') return this.#failed ? [this.#failed] : this.#batches(request, next)
    try {
      const fileMissing = this.#options.fileMissing?.()
      if (fileMissing) return [fileMissing]
      if (request.kind === 'probe') this.#probe()
      else this.#db.exec(`pragma incremental_vacuum(${request.pages})`)
      return [{ ok: true, cells: [] }]
    } catch (error) {
      return [this.#rollBack(error)]
    }
  }

  /** Bounds the log; no caller waits for this. A failure shows at the next batch, which needs the same disk. */
  tend(): void {
    const { checkpointPages } = this.#options
    if (checkpointPages === undefined) return
    try {
      const [row] = this.#own.log.rows([])
      if ((row?.[1] as number) > checkpointPages) this.#db.exec('pragma wal_checkpoint(passive)')
    } catch {}
  }

  close(): void {
    this.#db.close()
  }

  #batches(first: ChangeBatch, next: () => ChangeBatch | undefined): readonly WriterReply[] {
    // Each of them is answered, whatever fails, even BEGIN.
    const answeredBatches = [first]
    const another = () => {
      const batch = next()
      if (batch) answeredBatches.push(batch)
      return batch
    }
    try {
      this.#failed = this.#options.fileMissing?.()
      if (this.#failed) return [this.#failed]
      return this.#transaction(first, another).map((cells) => ({ ok: true, cells }))
    } catch (error) {
      const failed = this.#rollBack(error)
      this.#failed = failed
      return answeredBatches.map(() => failed)
    }
  }

  #slice({ at, first, last, cells }: ChangeSlice): WriterReply {
    try {
      if (first) {
        this.#abandonSlices()
        const fileMissing = this.#options.fileMissing?.()
        this.#failed = fileMissing
        if (fileMissing) return fileMissing
        this.#own.begin.run([])
        this.#progress = { counts: [], items: 0, revision: null }
      }
      this.#decoder.read(cells)
      const reply: ReplyCell[] = []
      this.#part(this.#decoder.change(at), reply, { progress: this.#progress as Progress, first, last })
      if (last) {
        this.#own.commit.run([])
        this.#progress = undefined
      }
      return { ok: true, cells: reply }
    } catch (error) {
      const lost = errorClassOf(error) ?? (this.#db.isTransaction ? undefined : 'io')
      this.#progress = undefined
      if (lost) {
        const failed = this.#rollBack(error)
        this.#failed = failed
        return failed
      }
      this.#own.abandon.run([])
      if (isTooBigForNumber(error)) return { ok: true, cells: [outcome.retry] }
      return { ok: true, cells: error instanceof RejectedChange ? error.cells : [outcome.invalid, messageOf(error)] }
    }
  }

  /** Rolls back a change whose sender stopped between two slices. */
  #abandonSlices(): void {
    this.#progress = undefined
    if (this.#db.isTransaction) this.#own.abandon.run([])
  }

  /** @returns the cells of each executed batch */
  #transaction(first: ChangeBatch, next: () => ChangeBatch | undefined): readonly (readonly ReplyCell[])[] {
    const done: (readonly DecodedChange[])[] = []
    let replies: (readonly ReplyCell[])[] = []
    let left = transactionLimits
    this.#own.begin.run([])
    let batch: ChangeBatch | undefined = first
    while (batch) {
      const changes = this.#decoded(batch)
      done.push(changes)
      const cells = this.#execute(changes)
      if (cells) replies.push(cells)
      else {
        this.#own.abandon.run([])
        this.#careful = carefulTransactions
        this.#own.begin.run([])
        replies = done.map((earlier) => this.#execute(earlier) as readonly ReplyCell[])
      }
      left = { changes: left.changes - batch.changes, cells: left.cells - batch.cells.length }
      batch = left.changes > 0 && left.cells > 0 ? next() : undefined
    }
    this.#own.commit.run([])
    if (this.#careful > 0) this.#careful--
    return replies
  }

  #decoded(batch: ChangeBatch): readonly DecodedChange[] {
    this.#decoder.read(batch.cells)
    return Array.from({ length: batch.changes }, () => this.#decoder.change(batch.at))
  }

  /**
   * @returns undefined if the transaction must be rolled back: a change without a savepoint was rejected after it had
   * written
   */
  #execute(changes: readonly DecodedChange[]): readonly ReplyCell[] | undefined {
    const reply: ReplyCell[] = []
    for (const change of changes)
      if (this.#careful > 0) this.#guarded(change, reply)
      else if (!this.#bare(change, reply)) return undefined
    return reply
  }

  /** Executes a change without a savepoint. @returns false if a rejected change would leave rows */
  #bare(change: DecodedChange, reply: ReplyCell[]): boolean {
    const mark = reply.length
    try {
      this.#change(change, reply)
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
  #guarded(change: DecodedChange, reply: ReplyCell[]): void {
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
      this.#change(change, reply)
      return undefined
    } catch (error) {
      if (!(error instanceof RejectedChange) && (errorClassOf(error) || !this.#db.isTransaction)) throw error
      reply.length = mark
      this.#own.rollback.run([])
      if (isTooBigForNumber(error)) return 'retry'
      return error instanceof RejectedChange ? error.cells : [outcome.invalid, messageOf(error)]
    }
  }

  #change(change: DecodedChange, reply: ReplyCell[]): void {
    const progress: Progress = { counts: [], items: 0, revision: null }
    this.#part(change, reply, { progress, first: true, last: true })
  }

  /** Executes a change, or a slice of one. */
  #part(
    { id, user, at, statements, feed }: DecodedChange,
    reply: ReplyCell[],
    { progress, first, last }: { readonly progress: Progress; readonly first: boolean; readonly last: boolean },
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
    this.#wrote = id !== null
    if (id === null || this.#own.claim.run([id, user, BigInt(at)]) > 0) return
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

  #probe(): void {
    if (this.#options.reopens) {
      const fresh = this.#options.open()
      const own = prepareOwn(fresh)
      this.#db.close()
      this.#db = fresh
      this.#own = own
      this.#decoder = new Decoder()
    }
    this.#db.exec("update storage_settings set value = value + 1 where name = 'probe'")
    this.#failed = undefined
  }

  #rollBack(error: unknown): WriterFailure {
    try {
      if (this.#db.isTransaction) this.#db.exec('rollback')
    } catch {
      // The probe, which must succeed before the next batch, replaces the connection.
    }
    return { ok: false, problem: errorClassOf(error) ?? 'io', message: messageOf(error) }
  }
}

const none = () => undefined

const prepareOwn = (db: DatabaseSync): Own =>
  Object.fromEntries(Object.entries(sql).map(([name, text]) => [name, new PreparedStatement(db, text)])) as Own
