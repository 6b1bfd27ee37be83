/** The storage port on PostgreSQL: every change and every read is one transaction under row-level security. */
import { failure, TroupeError, type UserId } from '../../core/index.ts'
import { checkBinds } from '../changes/check-change.ts'
import type { Statement } from '../changes/statement.ts'
import type { StorageRetention } from '../cleanup/storage-retention.ts'
import type { Applied } from '../migrations/applied-migrations.ts'
import type { Hints } from '../notifications/hints.ts'
import { Listeners } from '../notifications/listeners.ts'
import type { OpenedStorage, StorageFinding } from '../open-storage-options.ts'
import { readFeed } from '../read-feed.ts'
import type * as port from '../storage-port.ts'
import type { CommitQueue } from './commits/commit-queue.ts'
import type { Connections } from './connections/connections.ts'
import { postgresDialect } from './dialect.ts'
import type { Reader } from './reader.ts'

export interface PostgresStorageOptions {
  /** The location of the database, without secrets. */
  readonly location: string
  /** @throws ValidationError `storage.too_new` */
  readonly checkSchema: (found?: readonly Applied[]) => Promise<void>
  readonly connections: Connections
  readonly queue: CommitQueue
  readonly reader: Reader
  readonly hints: Hints
  readonly broadcast: port.Broadcast
  /** Stops the background tasks; called before the connections end. */
  readonly stop: () => Promise<void>
  readonly setRetention: (retention: StorageRetention) => void
  readonly check: () => Promise<readonly StorageFinding[]>
}

/** The states after errors with which the server accepts no change at all. */
const rejectingStates: Readonly<Record<string, 'full' | 'failed'>> = {
  'storage.full': 'full',
  'storage.writes_rejected': 'failed',
}

export class PostgresStorage implements OpenedStorage {
  readonly dialect = postgresDialect
  readonly location: string
  readonly broadcast: port.Broadcast
  readonly #options: PostgresStorageOptions
  readonly #listeners = new Listeners<port.StorageState>()
  readonly #reading = new Set<Promise<unknown>>()
  /** The last announced state: that of the connection, or of the changes while the connection works. */
  #state: port.StorageState = { state: 'open' }
  #connection: port.StorageState = { state: 'open' }
  /** Why the server accepts no changes; undefined after a committed change. */
  #rejecting: port.StorageState | undefined
  #closing: Promise<void> | undefined
  #outdated: TroupeError | undefined

  constructor(options: PostgresStorageOptions) {
    this.location = options.location
    this.broadcast = options.broadcast
    this.#options = options
  }

  async commit(change: port.Change): Promise<port.CommitResult> {
    if (this.#outdated) throw this.#outdated
    try {
      const result = await this.#options.queue.commit(change)
      if (result.ok) this.#setRejecting(undefined)
      return result
    } catch (error) {
      if (error instanceof TroupeError && Object.hasOwn(rejectingStates, error.code))
        this.#setRejecting({ state: rejectingStates[error.code] as 'full' | 'failed', problem: error.message })
      throw await this.#explained(error)
    }
  }

  /**
   * Stops all changes and reads if a newer release has migrated the schema beyond what this release can use.
   * @param found the applied migrations; read from the database by default
   */
  async checkSchema(found?: readonly Applied[]): Promise<void> {
    try {
      await this.#options.checkSchema(found)
    } catch (error) {
      if (!(error instanceof TroupeError) || error.code !== 'storage.too_new') throw error
      this.setState({ state: 'failed', problem: error.message })
      this.#outdated = error
    }
  }

  /** A statement that became invalid may be caused by a newer schema, so the schema is checked first. */
  async #explained(error: unknown): Promise<unknown> {
    if (error instanceof TroupeError && error.code === 'invariant.broken') await this.checkSchema().catch(() => {})
    return this.#outdated ?? error
  }

  async read(scope: port.StorageScope, statements: readonly Statement[]): Promise<readonly (readonly port.Row[])[]> {
    if (this.#closing) throw failure('troupe.closed', { what: 'A read' })
    if (this.#outdated) throw this.#outdated
    checkBinds(statements)
    const reading = this.#options.reader.read(scope, statements)
    this.#reading.add(reading)
    try {
      return await reading
    } catch (error) {
      throw await this.#explained(error)
    } finally {
      this.#reading.delete(reading)
    }
  }

  feed(user: UserId, after: number, limit: number): Promise<port.FeedPage> {
    const numbered = (statements: readonly Statement[]) =>
      statements.map((statement) => {
        let n = 0
        return { ...statement, sql: statement.sql.replaceAll('?', () => `$${++n}`) }
      })
    return readFeed((statements) => this.read({ user }, numbered(statements)), user, after, limit)
  }

  onHint(listener: (hint: port.Hint) => void): () => void {
    return this.#options.hints.on(listener)
  }

  state(): port.StorageState {
    return this.#state
  }

  onState(listener: (state: port.StorageState) => void): () => void {
    return this.#listeners.on(listener)
  }

  /** Sets the state of the connection. A server that accepts no changes is not `open`, whatever its connection is. */
  setState(connection: port.StorageState): void {
    if (this.#outdated && connection.state !== 'closed') return
    this.#connection = connection
    const state = connection.state === 'open' ? (this.#rejecting ?? connection) : connection
    if (this.#state.state === 'closed' || (this.#state.state === state.state && this.#state.problem === state.problem))
      return
    this.#state = state
    this.#listeners.notify(state)
  }

  #setRejecting(rejecting: port.StorageState | undefined): void {
    if (this.#rejecting === rejecting) return
    this.#rejecting = rejecting
    this.setState(this.#connection)
  }

  check(): Promise<readonly StorageFinding[]> {
    return this.#options.check()
  }

  async sizes(): Promise<port.StorageSizes> {
    const ask = async (sql: string) => (await this.read({ work: true }, [{ sql, binds: [], returns: true }]))[0] ?? []
    const [size] = await ask('select pg_database_size(current_database()) as bytes')
    const tables = Object.fromEntries(
      (await ask('select name, count from troupe_sizes()')).map(({ name, count }) => [String(name), Number(count)]),
    )
    // The log and free pages belong to the whole server.
    return { database: Number(size?.bytes), writeAheadLog: 0, free: 0, tables }
  }

  /** Has no effect: other processes find a server by its address. */
  announce(): void {}

  setRetention(retention: StorageRetention): void {
    this.#options.setRetention(retention)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.setState({ state: 'closed' })
    await this.#options.queue.close()
    await Promise.allSettled(this.#reading)
    await this.#options.stop()
    await this.#options.connections.end()
    this.#listeners.clear()
  }
}
