/** Opens a PostgreSQL database, with its schema up to date and its role in place. */
import type { Client } from 'pg'
import { checkOptions, createIds, failure, TroupeError, type UserId } from '../../core/index.ts'
import { type Applied, checkReadable, latestOf, pendingAfter } from '../applied.ts'
import { Hints } from '../hints.ts'
import type { Migration } from '../migration.ts'
import type { OpenedStorage, OpenStorageOptions } from '../open-options.ts'
import type { Hint } from '../port.ts'
import type { PostgresOptions } from '../postgres-options.ts'
import { type Retention, type RetentionBounds, retentionBounds } from '../retention.ts'
import { storageMigrations } from '../storage-migrations.ts'
import { Sweeper } from '../sweeper.ts'
import { CommitLanes } from './commit-lanes.ts'
import { connect, createChunks, createPool } from './connect.ts'
import { Connections } from './connections.ts'
import { HintLine } from './hint-line.ts'
import { findingsOf, type Inspection, inspect, powerOf, refusalOf } from './inspect.ts'
import { appliedTo, isCurrent, migrate } from './migrate.ts'
import { type Place, type Settings, settingsOf } from './place.ts'
import { failureOf } from './postgres-error.ts'
import { PostgresStorage } from './postgres-storage.ts'
import { answered, disconnect } from './silence.ts'
import { Statistics } from './statistics.ts'
import { Transactions } from './transaction.ts'

/** The server itself gives a statement up before: a connection that has not answered by then is lost. */
const answerMsOf = ({ statementMs }: Settings) => statementMs + 2_000
const knownOptions = ['url', 'postgres', 'migrations', 'clock', 'random', 'retention', 'time', 'production', 'faults']

/**
 * @throws ValidationError `validation.failed`, `option.unknown`, `storage.incompatible`, `storage.too_new`,
 * `storage.insecure`; ExternalServiceError `storage.unreachable`, `storage.denied`, `storage.untrusted`, `storage.io`
 * @example const storage = await openPostgres({ url: 'postgres://localhost/shop', migrations, clock, random })
 */
export async function openPostgres(options: OpenStorageOptions): Promise<OpenedStorage> {
  checkOptions('openStorage', options, knownOptions)
  retentionBounds(options.retention)
  if (options.faults)
    throw failure('validation.failed', {
      what: 'faults',
      problem: 'they are those of the SQLite writer, not of PostgreSQL',
    })
  const url = options.url === 'postgres:' ? {} : { url: options.url }
  const settings = settingsOf({ ...url, ...options.postgres })
  try {
    const migrations = [...storageMigrations, ...options.migrations]
    const inspection = await prepare(settings, options, migrations)
    return await assemble(settings, options, { pooled: inspection.pooled, known: latestOf(migrations) })
  } catch (error) {
    throw failed(error, settings)
  }
}

async function prepare(
  settings: Settings,
  options: OpenStorageOptions,
  migrations: readonly Migration[],
): Promise<Inspection> {
  const { place, migratePlace } = settings
  const now = Math.floor(options.clock.now())
  const look = () => using(place, settings, (client) => answered(client, answerMsOf(settings), inspect(client, place)))
  const allow = (problem: string | undefined) => {
    if (problem) throw failure('storage.insecure', { path: place.name, problem })
  }
  // Refused before anything is changed; whoever makes the tables just now is known as their owner only afterwards.
  if (options.production) allow(powerOf(await look()))
  await using(migratePlace, settings, async (client) => {
    const current = await answered(client, answerMsOf(settings), isCurrent(client, migrations, migratePlace))
    // How long it takes nobody knows.
    if (!current) await migrate(client, migrations, { ...migratePlace, user: place.user }, now)
  })
  const inspection = await look()
  allow(refusalOf(inspection) ?? (options.production ? powerOf(inspection) : undefined))
  return inspection
}

/** Looks, and changes nothing. @throws what opening throws where it cannot be reached */
export async function pendingOnServer(
  postgres: PostgresOptions,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  const settings = settingsOf(postgres)
  const { migratePlace } = settings
  return using(migratePlace, settings, async (client) =>
    pendingAfter(await answered(client, answerMsOf(settings), appliedTo(client, migratePlace)), migrations),
  )
}

const failed = (error: unknown, settings: Settings, path?: string) =>
  error instanceof TroupeError ? error : failureOf(error, settings, path)

async function using<T>(place: Place, settings: Settings, run: (client: Client) => Promise<T>): Promise<T> {
  try {
    const client = await connect(place, 'troupe opens', settings.acquireMs)
    try {
      return await run(client)
    } finally {
      await disconnect(client)
    }
  } catch (error) {
    throw failed(error, settings, place.name)
  }
}

async function assemble(
  settings: Settings,
  options: OpenStorageOptions,
  { pooled, known }: { readonly pooled: boolean; readonly known: ReadonlyMap<string, number> },
): Promise<OpenedStorage> {
  const { clock, random, time = 'engine', retention = {} } = options
  const { place } = settings
  const answerMs = answerMsOf(settings)
  const connections = new Connections(await createPool(settings, pooled), answerMs)
  const one = { ...settings, poolSize: 1, poolOverflow: 0 }
  const urgent = new Connections(await createPool(one, pooled, 'troupe urgent'), answerMs)
  const statistics = new Statistics(connections, place.schema)
  const transactions = new Transactions({
    connections,
    urgent,
    chunks: await createChunks(),
    schema: place.schema,
    statementMs: settings.statementMs,
    names: !pooled,
    grown: () => statistics.take(),
    ...(time === 'clock' ? { now: steady(options) } : {}),
  })
  const hints = new Hints()
  const ids = createIds(clock, random)
  const listenPlace = settings.listenPlace ?? (pooled ? undefined : place)
  const line = new HintLine({
    place: listenPlace,
    schema: place.schema,
    answerMs,
    clock,
    random,
    node: ids.next(),
    tell: (heard) => hints.forward(heard),
    notify: async (channel, payload) => void (await connections.ask('select pg_notify($1, $2)', [channel, payload])),
    look: async (since) => {
      await storage.checkSchema()
      return look(transactions, since)
    },
    state: (state) => storage.setState(state),
  })
  const lanes = new CommitLanes({
    transactions,
    random,
    ids,
    settings,
    committed(change, result) {
      hints.note(change, result)
      line.pass(hints.flush())
    },
  })
  const sweeper = new Sweeper({
    clock,
    retention,
    sweeps: [(bounds) => sweep(transactions, bounds)],
  })
  const stop = async () => {
    await sweeper.stop()
    await statistics.stop()
    await line.stop()
    await urgent.end()
  }
  const check = async () =>
    findingsOf(await using(place, settings, (client) => inspect(client, place)), listenPlace !== undefined)
  const checkSchema = async () => checkReadable(await applied(transactions), known, place.name)
  const keep = (wanted: Retention) => sweeper.keep(wanted)
  const own = { settings, random, connections, transactions, lanes, hints, notes: line, keep }
  const storage = new PostgresStorage({ ...own, stop, check, checkSchema })
  try {
    await line.start()
    return storage
  } catch (error) {
    await storage.close()
    throw failed(error, settings, listenPlace?.name)
  }
}

/** The clock's time, which never goes back. */
function steady({ clock }: OpenStorageOptions): () => number {
  let last = 0
  return () => {
    last = Math.max(last, Math.floor(clock.now()))
    return last
  }
}

async function ask(transactions: Transactions, sql: string, binds: readonly (string | number)[] = []) {
  const [outcome] = await transactions.reads({ work: true }, () => [[{ sql, binds }]])
  if (outcome?.kind !== 'done') throw outcome?.error
  return { rows: outcome.rows[0] ?? [], at: outcome.at }
}

async function applied(transactions: Transactions): Promise<readonly Applied[]> {
  const { rows } = await ask(transactions, 'select room, version, lowest_reader from storage_schema')
  return rows as readonly Applied[]
}

/** Users whose revision rose, in pages by their name. */
const changedPage = 10_000

async function look(transactions: Transactions, since: number) {
  const { rows, at } = await ask(transactions, 'select last_value as wakes from storage_wakes')
  const users: Hint[] = []
  for (let after = '', more = true; more; ) {
    const changed = await ask(transactions, 'select user_id, revision from troupe_changed($1, $2, $3)', [
      since,
      after,
      changedPage,
    ])
    for (const { user_id, revision } of changed.rows)
      users.push({ user: String(user_id) as UserId, revision: Number(revision) })
    after = String(changed.rows.at(-1)?.user_id)
    more = changed.rows.length === changedPage
  }
  return { wakes: Number(rows[0]?.wakes), at, users }
}

/** Rows of each kind in one change. */
const swept = 500

/** By a function of the database, which may look over all users. @returns whether there may be more */
async function sweep(
  transactions: Transactions,
  { changeIdsMs, feedMs, feedRevisions }: RetentionBounds,
): Promise<boolean> {
  const now = { $: 'now' } as const
  const scope = { work: true } as const
  const statement = {
    sql: 'select troupe_sweep($1, $2, $3, $4) as gone',
    binds: [{ ...now, plusMs: -changeIdsMs }, { ...now, plusMs: -feedMs }, feedRevisions, swept],
    returns: true,
  }
  const change = { id: null, scope, statements: [statement] }
  const [outcome] = await transactions.changes([{ change, id: null, unknown: false }])
  if (outcome?.kind !== 'done') throw outcome?.error
  return Number(outcome.rows[0]?.[0]?.gone ?? 0) > 0
}
