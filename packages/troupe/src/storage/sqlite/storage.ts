/** The storage port on SQLite: commits through the queue, reads on a connection in the caller's thread. */
import { type Clock, failure, MacrotaskQueue, nextMacrotask, type TroupeError, type UserId } from '../../core/index.ts'
import { checkBinds } from '../changes/check-change.ts'
import type { Statement } from '../changes/statement.ts'
import type { StorageCleanup } from '../cleanup/storage-cleanup.ts'
import type { StorageRetention } from '../cleanup/storage-retention.ts'
import type { ChangeObservers } from '../notifications/change-observers.ts'
import type { Hints } from '../notifications/hints.ts'
import type { OpenedStorage, StorageFinding } from '../open-storage-options.ts'
import { readFeed } from '../read-feed.ts'
import type * as port from '../storage-port.ts'
import type { CommitQueue } from './commits/commit-queue.ts'
import { sqliteDialect } from './dialect.ts'
import { errorClassOf, messageOf } from './error-class.ts'
import type { Reader } from './reader.ts'

export interface SqliteStorageOptions {
  /** `memory`, or the path. */
  readonly location: string
  readonly queue: CommitQueue
  readonly reader: Reader
  readonly hints: Hints
  readonly observers: ChangeObservers
  readonly clock: Clock
  /** Returns the size in bytes of the log beside the database. */
  readonly logSize: () => number
  readonly announce: (address: string | undefined) => void
  /** Called when everything else is closed. */
  readonly release: () => void
}

/** Reads run in microtasks. A read counts as one, plus one for every four rows: 128 take some milliseconds. */
const yieldAfter = 128

export class SqliteStorage implements OpenedStorage {
  readonly dialect = sqliteDialect
  readonly location: string
  readonly singleWriter: port.SingleWriter
  readonly #options: SqliteStorageOptions
  readonly #macrotasks: MacrotaskQueue
  #closing: Promise<void> | undefined
  #storageCleanup: StorageCleanup | undefined

  constructor(options: SqliteStorageOptions) {
    this.location = options.location
    this.singleWriter = {
      now: () => options.queue.time.now(),
      observe: (observer) => options.observers.observe(observer),
    }
    this.#options = options
    this.#macrotasks = new MacrotaskQueue(options.clock, yieldAfter)
  }

  commit(change: port.Change): Promise<port.CommitResult> {
    return this.#options.queue.commit(change)
  }

  async read(_scope: port.StorageScope, statements: readonly Statement[]): Promise<readonly (readonly port.Row[])[]> {
    if (this.#closing) throw failure('troupe.closed', { what: 'A read' })
    const turn = this.#macrotasks.next
    if (turn) await turn
    checkBinds(statements)
    for (let { sliced } = this.#options.queue; sliced; { sliced } = this.#options.queue) await sliced
    try {
      const found = this.#options.reader.read(statements, this.#options.queue.time.now())
      this.#macrotasks.spend(1 + found.reduce((sum, rows) => sum + rows.length, 0) / 4)
      return found
    } catch (error) {
      throw this.#failed(error)
    }
  }

  feed(user: UserId, after: number, limit: number): Promise<port.FeedPage> {
    return readFeed((statements) => this.read({ user }, statements), user, after, limit)
  }

  onHint(listener: (hint: port.Hint) => void): () => void {
    return this.#options.hints.on(listener)
  }

  state(): port.StorageState {
    return this.#options.queue.state.current
  }

  onState(listener: (state: port.StorageState) => void): () => void {
    return this.#options.queue.state.on(listener)
  }

  /** Returns no findings, because a file is checked when it is opened. */
  async check(): Promise<readonly StorageFinding[]> {
    return []
  }

  /** Counts one table per macrotask, because counting reads every row of a table. */
  async sizes(): Promise<port.StorageSizes> {
    const ask = async (sql: string) => (await this.read({ work: true }, [{ sql, binds: [], returns: true }]))[0] ?? []
    const [pragmas] = await ask(`select page_size as size, page_count as pages, freelist_count as free
      from pragma_page_size, pragma_page_count, pragma_freelist_count`)
    const { size, pages, free } = pragmas as { readonly size: number; readonly pages: number; readonly free: number }
    const tables: Record<string, number> = {}
    for (const { name } of await ask(
      "select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\'",
    )) {
      await nextMacrotask(this.#options.clock)
      const [row] = await ask(`select count(*) as count from "${name}"`)
      tables[name as string] = row?.count as number
    }
    return { database: pages * size, writeAheadLog: this.#options.logSize(), free: free * size, tables }
  }

  announce(address: string | undefined): void {
    this.#options.announce(address)
  }

  setRetention(retention: StorageRetention): void {
    this.#storageCleanup?.setRetention(retention)
  }

  /** Attaches the clean-up, which `close` stops first. */
  attachCleanup(storageCleanup: StorageCleanup): void {
    this.#storageCleanup = storageCleanup
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#options.observers.close()
    await this.#storageCleanup?.stop()
    // Reads that wait for their turn, or for a large change, were made before the close.
    await this.#macrotasks.next
    for (let { sliced } = this.#options.queue; sliced; { sliced } = this.#options.queue) await sliced
    // The reader is closed first: the last closed connection removes the log, and only the writer's can do that.
    this.#options.reader.close()
    await this.#options.queue.close()
    this.#options.release()
  }

  #failed(error: unknown): unknown {
    const problem = errorClassOf(error)
    const values = { path: this.location, problem: messageOf(error) }
    if (problem && problem !== 'read_only')
      return failure(problem === 'corrupt' ? 'storage.corrupt' : 'storage.io', values, { cause: error })
    if (problem === 'read_only') return failure('invariant.broken', { rule: 'a read does not write' }, { cause: error })
    const engine = (error as NodeJS.ErrnoException | undefined)?.code?.startsWith('ERR_')
    return engine ? this.#invalid(error) : error
  }

  #invalid(error: unknown): TroupeError {
    return failure('invariant.broken', { rule: `statements are valid (${messageOf(error)})` }, { cause: error })
  }
}
