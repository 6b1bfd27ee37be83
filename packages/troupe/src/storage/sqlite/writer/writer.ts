/**
 * Executes batches on the only connection that writes. Batches that arrive meanwhile share the transaction, which is
 * committed when none waits. The class has no thread, timer or clock; its shell decides where and when it runs.
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
import { errorClassOf, isTooBigForNumber, messageOf } from '../error-class.ts'
import { ChangeExecutor, Progress, RejectedChange } from './change-executor.ts'
import { type DecodedChange, Decoder } from './decoder.ts'
import { type Prepared, prepareTexts } from './prepared-statement.ts'
import { outcome } from './wire.ts'

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

const sql = {
  begin: 'begin immediate',
  commit: 'commit',
  abandon: 'rollback',
  log: 'pragma wal_checkpoint(noop)',
} as const

/**
 * The number of transactions with savepoints after a rejection of a change that had written; such rejections come in
 * groups.
 */
const carefulTransactions = 100
/**
 * The changes or cells at which a transaction accepts no more batches, so that the first batch does not wait too long.
 */
const transactionLimits = { changes: 256, cells: 131_072 }

export class Writer {
  readonly #options: WriterOptions
  #db: DatabaseSync
  #own: Prepared<typeof sql>
  #executor: ChangeExecutor
  #decoder: Decoder
  /** The number of transactions still to be executed with savepoints. */
  #careful = 0
  /** The answer to every batch until a probe succeeds, because later batches depend on texts of earlier ones. */
  #failed: WriterFailure | undefined
  /** The progress of the change whose slices are arriving. */
  #progress: Progress | undefined

  /** @throws the errors of `open` */
  constructor(options: WriterOptions) {
    this.#options = options
    this.#db = options.open()
    this.#own = prepareTexts(this.#db, sql)
    this.#executor = new ChangeExecutor(this.#db)
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
        this.#progress = new Progress()
      }
      this.#decoder.read(cells)
      const reply: ReplyCell[] = []
      this.#executor.slice(this.#decoder.change(at), reply, { progress: this.#progress as Progress, first, last })
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
      const changes = this.#decoder.changes(batch)
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

  /**
   * @returns undefined if the transaction must be rolled back: a change without a savepoint was rejected after it had
   * written
   */
  #execute(changes: readonly DecodedChange[]): readonly ReplyCell[] | undefined {
    const reply: ReplyCell[] = []
    for (const change of changes)
      if (this.#careful > 0) this.#executor.withSavepoint(change, reply)
      else if (!this.#executor.withoutSavepoint(change, reply)) return undefined
    return reply
  }

  #probe(): void {
    if (this.#options.reopens) {
      const fresh = this.#options.open()
      const own = prepareTexts(fresh, sql)
      const executor = new ChangeExecutor(fresh)
      this.#db.close()
      this.#db = fresh
      this.#own = own
      this.#executor = executor
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
