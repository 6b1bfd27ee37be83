/** Opens a PostgreSQL database, after migrating the schema and creating the application role. */
import type { Client } from 'pg'
import {
  createIds,
  type ErrorCode,
  failure,
  invalidInput,
  type Random,
  TroupeError,
  type UserId,
} from '../../core/index.ts'
import type { Statement } from '../changes/statement.ts'
import { StorageCleanup } from '../cleanup/storage-cleanup.ts'
import { retentionBounds, type StorageRetention } from '../cleanup/storage-retention.ts'
import { type Applied, checkReadable, latestOf, pendingAfter } from '../migrations/applied-migrations.ts'
import type { Migration } from '../migrations/migration.ts'
import { storageMigrations } from '../migrations/storage-migrations.ts'
import { Hints } from '../notifications/hints.ts'
import type { OpenedStorage, OpenStorageOptions } from '../open-storage-options.ts'
import type { PostgresOptions } from '../postgres-options.ts'
import type { Hint } from '../storage-port.ts'
import { storageCleanupTasks } from './cleanup-tasks.ts'
import { CommitQueue } from './commits/commit-queue.ts'
import { connect, createChunks, createPool } from './connections/connect.ts'
import {
  type ConnectionTarget,
  checkTransport,
  type PostgresSettings,
  settingsOf,
} from './connections/connection-target.ts'
import { Connections } from './connections/connections.ts'
import { backoffMs, Deadline, pause } from './connections/deadline.ts'
import { answerWithin, disconnect } from './connections/keepalive.ts'
import { ListenConnection } from './connections/listen-connection.ts'
import { failureOf } from './error-class.ts'
import { findingsOf, incompatibilityOf, powerOf, probeServer, type ServerInspection } from './inspect-server.ts'
import { appliedTo, isCurrent, migrate } from './migrate.ts'
import { Reader } from './reader.ts'
import { Statistics } from './statistics.ts'
import { PostgresStorage } from './storage.ts'
import { Transactions } from './transactions.ts'

/** The server cancels a statement earlier, so a connection that has not answered by then is lost. */
const answerMsOf = ({ statementMs }: PostgresSettings) => statementMs + 2_000

/** The delays in ms between attempts to reach an unreachable server. */
const backoff = { first: 50, last: 800 }

/**
 * Opens the database. Waits up to `acquireTimeout` for a server that restarts or refuses connections.
 * @throws ValidationError `validation.failed`, `option.unknown`, `storage.incompatible`, `storage.too_new`,
 * `storage.insecure`, `config.unsafe`; ExternalServiceError `storage.unreachable`, `storage.denied`,
 * `storage.untrusted`, `storage.io`; CapacityError `storage.connection_limit`
 * @example const storage = await openPostgres({ url: 'postgres://localhost/shop', migrations, clock, random })
 */
export async function openPostgres(options: OpenStorageOptions): Promise<OpenedStorage> {
  retentionBounds(options.retention)
  if (options.faults) throw invalidInput('faults', 'only the writer of SQLite has them, not PostgreSQL')
  const url = options.url === 'postgres:' ? {} : { url: options.url }
  const settings = settingsOf({ ...url, ...options.postgres })
  if (options.production)
    for (const target of [settings.location, settings.migrateLocation, settings.listenLocation])
      if (target) checkTransport(target)
  try {
    const migrations = [...storageMigrations, ...options.migrations]
    const inspection = await prepare(settings, options, migrations)
    return await assemble(settings, options, { pooled: inspection.pooled, known: latestOf(migrations) })
  } catch (error) {
    throw failed(error, settings)
  }
}

async function prepare(
  settings: PostgresSettings,
  options: OpenStorageOptions,
  migrations: readonly Migration[],
): Promise<ServerInspection> {
  const { location, migrateLocation } = settings
  const now = Math.floor(options.clock.now())
  const reach = <T>(target: ConnectionTarget, run: (client: Client) => Promise<T>) =>
    whenReachable(settings, options.random, () => using(target, settings, run))
  const inspectServer = () =>
    reach(location, (client) => answerWithin(client, answerMsOf(settings), probeServer(client, location)))
  const allow = (problem: string | undefined) => {
    if (problem) throw failure('storage.insecure', { path: location.name, problem })
  }
  // A role with too many privileges is rejected before any change. A role that creates the tables in this call becomes
  // their owner only later.
  if (options.production) allow(powerOf(await inspectServer()))
  await reach(migrateLocation, async (client) => {
    const current = await answerWithin(client, answerMsOf(settings), isCurrent(client, migrations, migrateLocation))
    // Migrations have no time limit, because their duration is unknown.
    if (!current) await migrate(client, migrations, { ...migrateLocation, user: location.user }, now)
    await answerWithin(
      client,
      answerMsOf(settings),
      writeOwnerSettings(client, migrateLocation, options.ownerSettings ?? []),
    )
  })
  const inspection = await inspectServer()
  allow(incompatibilityOf(inspection) ?? (options.production ? powerOf(inspection) : undefined))
  return inspection
}

/**
 * Returns the pending migrations without changing the database. @throws the errors of opening if it cannot be reached
 */
export async function pendingOnServer(
  postgres: PostgresOptions,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  const settings = settingsOf(postgres)
  const { migrateLocation } = settings
  return using(migrateLocation, settings, async (client) =>
    pendingAfter(
      (await answerWithin(client, answerMsOf(settings), appliedTo(client, migrateLocation))).applied,
      migrations,
    ),
  )
}

const failed = (error: unknown, settings: PostgresSettings, path?: string) =>
  error instanceof TroupeError ? error : failureOf(error, settings, path)

async function using<T>(
  location: ConnectionTarget,
  settings: PostgresSettings,
  run: (client: Client) => Promise<T>,
): Promise<T> {
  try {
    const client = await connect(location, 'troupe opens', settings.acquireMs)
    try {
      return await run(client)
    } finally {
      await disconnect(client)
    }
  } catch (error) {
    throw failed(error, settings, location.name)
  }
}

const temporary: ReadonlySet<string> = new Set<ErrorCode>(['storage.unreachable', 'storage.connection_limit'])

/** Retries until the server is reachable and accepts a connection. Every step of opening is idempotent. */
async function whenReachable<T>(
  settings: PostgresSettings,
  random: Random,
  run: () => Promise<T>,
  path?: string,
): Promise<T> {
  const deadline = new Deadline(settings.acquireMs)
  for (let attempt = 0; ; attempt++) {
    const isLast = deadline.isOver()
    try {
      return await run()
    } catch (error) {
      const problem = failed(error, settings, path)
      if (isLast || !temporary.has(problem.code)) throw problem
      await pause(backoffMs(attempt, backoff, random))
    }
  }
}

async function assemble(
  settings: PostgresSettings,
  options: OpenStorageOptions,
  { pooled, known }: { readonly pooled: boolean; readonly known: ReadonlyMap<string, number> },
): Promise<OpenedStorage> {
  const { clock, random, time = 'engine', retention = {} } = options
  const { location } = settings
  const answerMs = answerMsOf(settings)
  const connections = new Connections(await createPool(settings, pooled), answerMs)
  const one = { ...settings, poolSize: 1, poolOverflow: 0 }
  const urgent = new Connections(await createPool(one, pooled, 'troupe urgent'), answerMs)
  const statistics = new Statistics(connections, location.schema)
  const transactions = new Transactions({
    connections,
    urgent,
    chunks: await createChunks(),
    schema: location.schema,
    statementMs: settings.statementMs,
    names: !pooled,
    onGrowth: () => statistics.collect(),
    ...(time === 'clock' ? { now: steady(options) } : {}),
  })
  const hints = new Hints()
  const ids = createIds(clock, random)
  const listenLocation = settings.listenLocation ?? (pooled ? undefined : location)
  const line = new ListenConnection({
    location: listenLocation,
    schema: location.schema,
    answerMs,
    clock,
    random,
    node: ids.next(),
    announce: (received) => hints.forward(received),
    notify: async (channel, payload) => void (await connections.ask('select pg_notify($1, $2)', [channel, payload])),
    poll: (since) => poll(transactions, since, options, (applied) => storage.checkSchema(applied)),
    state: (state) => storage.setState(state),
  })
  const queue = new CommitQueue({
    transactions,
    random,
    ids,
    settings,
    committed(change, result) {
      hints.record(change, result)
      line.pass(hints.flush())
    },
  })
  const storageCleanup = new StorageCleanup({
    clock,
    retention,
    cleanupTasks: storageCleanupTasks(transactions),
  })
  const stop = async () => {
    await storageCleanup.stop()
    await statistics.stop()
    await line.stop()
    await urgent.end()
  }
  const check = async () =>
    findingsOf(await using(location, settings, (client) => probeServer(client, location)), listenLocation !== undefined)
  const checkSchema = async (found?: readonly Applied[]) =>
    checkReadable(found ?? (await applied(transactions)), known, location.name)
  const setRetention = (wanted: StorageRetention) => storageCleanup.setRetention(wanted)
  const reader = new Reader({ transactions, random, settings })
  const own = { location: location.name, connections, queue, reader, hints, broadcast: line, setRetention }
  const storage = new PostgresStorage({ ...own, stop, check, checkSchema })
  try {
    await whenReachable(settings, random, () => line.start(), listenLocation?.name)
    return storage
  } catch (error) {
    await storage.close()
    throw error
  }
}

/** Returns the clock's time in ms, which never decreases. */
function steady({ clock }: OpenStorageOptions): () => number {
  let last = 0
  return () => {
    last = Math.max(last, Math.floor(clock.now()))
    return last
  }
}

async function ask(transactions: Transactions, ...statements: readonly Statement[]) {
  const [outcome] = await transactions.reads({ work: true }, () => [statements])
  if (outcome?.kind !== 'done') throw outcome?.error
  return outcome
}

const schemaStatement: Statement = { sql: 'select module, version, lowest_reader from storage_schema', binds: [] }
const wakesStatement: Statement = { sql: 'select last_value as wakes from storage_wakes', binds: [] }

async function applied(transactions: Transactions): Promise<readonly Applied[]> {
  const { rows } = await ask(transactions, schemaStatement)
  return (rows[0] ?? []) as unknown as readonly Applied[]
}

/** Clocks that differ by more, in ms, were set since the poll before. */
const leastJumpMs = 1_000

/** The number of users in one page of `troupe_changed`; pages are ordered by user. */
const changedPage = 10_000

/** Reads migrations, wakes and raised revisions in one transaction; further pages need transactions of their own. */
async function poll(
  transactions: Transactions,
  since: number,
  { clock, time, onServerTime }: Pick<OpenStorageOptions, 'clock' | 'time' | 'onServerTime'>,
  checkSchema: (applied: readonly Applied[]) => Promise<void>,
) {
  const changedAfter = (after: string): Statement => ({
    sql: 'select user_id, revision from troupe_changed($1, $2, $3)',
    binds: [since, after, changedPage],
  })
  const asked = clock.now()
  const { rows, at } = await ask(transactions, schemaStatement, wakesStatement, changedAfter(''))
  const answered = clock.now()
  const isClockSet = time !== 'clock' && (at - answered > leastJumpMs || asked - at > leastJumpMs)
  if (time !== 'clock') onServerTime?.(at, asked, answered)
  const [schema = [], wakes = [], first = []] = rows
  const users: Hint[] = []
  for (let page = first; ; ) {
    for (const { user_id, revision } of page)
      users.push({ user: String(user_id) as UserId, revision: Number(revision) })
    if (page.length < changedPage) break
    page = (await ask(transactions, changedAfter(String(page.at(-1)?.user_id)))).rows[0] ?? []
  }
  await checkSchema(schema as unknown as readonly Applied[])
  return { wakes: Number(wakes[0]?.wakes), at, users, isClockSet }
}

/**
 * Writes settings that the application role cannot change: numbers in tables of one row. A process whose login is not the
 * owner of the tables leaves them as they are.
 * @throws the errors of the server
 */
async function writeOwnerSettings(
  client: Client,
  { schema }: ConnectionTarget,
  settings: NonNullable<OpenStorageOptions['ownerSettings']>,
): Promise<void> {
  for (const { table, column, value } of settings) {
    const { rows } = await client.query<{ value: string; writable: boolean }>(
      `select ${column} as value, has_table_privilege($1, 'update') and not current_setting('transaction_read_only')::boolean
       as writable from ${schema}.${table}`,
      [`${schema}.${table}`],
    )
    const [row] = rows
    if (row?.writable && Number(row.value) !== value)
      await client.query(`update ${schema}.${table} set ${column} = $1`, [value])
  }
}
