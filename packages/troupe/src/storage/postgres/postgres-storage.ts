/** The storage port on PostgreSQL: every change and every read is one transaction, under row-level security. */
import type { Pool } from 'pg'
import { failure, type UserId } from '../../core/index.ts'
import { checkBinds } from '../check-change.ts'
import { readFeed } from '../feed.ts'
import type { Hints } from '../hints.ts'
import { Listeners } from '../listeners.ts'
import type { OpenedStorage } from '../open-options.ts'
import type * as port from '../port.ts'
import type { Statement } from '../statement.ts'
import type { CommitLanes } from './commit-lanes.ts'
import { postgresDialect } from './postgres-dialect.ts'
import { messageOf } from './postgres-error.ts'
import type { Transactions } from './transaction.ts'

export interface PostgresStorageOptions {
  readonly place: string
  readonly pool: Pool
  readonly transactions: Transactions
  readonly lanes: CommitLanes
  readonly hints: Hints
  /** What must end before the connections do. */
  readonly stop: () => Promise<void>
}

/** A read that met a lost connection is asked again, so often. */
const readAttempts = 3

export class PostgresStorage implements OpenedStorage {
  readonly dialect = postgresDialect
  readonly place: string
  readonly #options: PostgresStorageOptions
  readonly #listeners = new Listeners<port.StorageState>()
  readonly #reading = new Set<Promise<unknown>>()
  #state: port.StorageState = { state: 'open' }
  #closing: Promise<void> | undefined

  constructor(options: PostgresStorageOptions) {
    this.place = options.place
    this.#options = options
  }

  commit(change: port.Change): Promise<port.CommitResult> {
    return this.#options.lanes.commit(change)
  }

  async read(scope: port.Scope, statements: readonly Statement[]): Promise<readonly (readonly port.Row[])[]> {
    if (this.#closing) throw failure('troupe.closed', { what: 'A read' })
    checkBinds(statements)
    const reading = this.#read(scope, statements)
    this.#reading.add(reading)
    try {
      return await reading
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

  setState(state: port.StorageState): void {
    if (this.#state.state === 'closed' || (this.#state.state === state.state && this.#state.problem === state.problem))
      return
    this.#state = state
    this.#listeners.tell(state)
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

  /** A server is found by its address: there is nobody to be told. */
  announce(): void {}

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.setState({ state: 'closed' })
    await this.#options.lanes.close()
    await Promise.allSettled(this.#reading)
    await this.#options.stop()
    await this.#options.pool.end()
    this.#listeners.clear()
  }

  async #read(
    scope: port.Scope,
    statements: readonly Statement[],
    attempt = 1,
  ): Promise<readonly (readonly port.Row[])[]> {
    const outcome = await this.#options.transactions.read(scope, statements)
    if (outcome.kind === 'done') return outcome.rows
    const { meaning, error, statement } = outcome
    const again = meaning.kind === 'lost' || meaning.kind === 'again'
    if (again && attempt < readAttempts) return this.#read(scope, statements, attempt + 1)
    if (meaning.kind === 'writes')
      throw failure('invariant.broken', { rule: 'a read does not write' }, { cause: error })
    if (meaning.kind === 'invalid' && statement >= 0)
      throw failure('invariant.broken', { rule: `statements are valid (${messageOf(error)})` }, { cause: error })
    throw failure('storage.io', { path: this.place, problem: messageOf(error) }, { cause: error })
  }
}
