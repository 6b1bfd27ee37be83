/** Opens a PostgreSQL database, with its schema up to date and its role in place. */
import type { Client } from 'pg'
import { checkOptions, createIds, failure, milliseconds, TroupeError } from '../../core/index.ts'
import { Hints } from '../hints.ts'
import type { Migration } from '../migration.ts'
import type { OpenedStorage, OpenStorageOptions } from '../open-options.ts'
import type { Hint } from '../port.ts'
import { storageMigrations } from '../storage-migrations.ts'
import { CommitLanes } from './commit-lanes.ts'
import { connect, createPool } from './connect.ts'
import { HintLine } from './hint-line.ts'
import { insecurity, migrate } from './migrate.ts'
import { type Settings, settingsOf } from './place.ts'
import { messageOf } from './postgres-error.ts'
import { PostgresStorage } from './postgres-storage.ts'
import { Sweeper } from './sweeper.ts'
import { Transactions } from './transaction.ts'

const known = ['url', 'postgres', 'migrations', 'clock', 'random', 'retention', 'time', 'faults']

/**
 * @throws ValidationError `validation.failed`, `option.unknown`, `storage.too_new`; ExternalServiceError `storage.io`
 * @example const storage = await openPostgres({ url: 'postgres://localhost/shop', migrations, clock, random })
 */
export async function openPostgres(options: OpenStorageOptions): Promise<OpenedStorage> {
  checkOptions('openStorage', options, known)
  checkOptions('retention', options.retention ?? {}, ['changeIds', 'feed', 'feedRevisions', 'every'])
  if (options.faults)
    throw failure('validation.failed', {
      what: 'faults',
      problem: 'they are those of the SQLite writer, not of PostgreSQL',
    })
  const url = options.url === 'postgres:' ? {} : { url: options.url }
  const settings = settingsOf({ ...url, ...options.postgres })
  try {
    await prepare(settings, [...storageMigrations, ...options.migrations], options.clock.now())
    return await assemble(settings, options)
  } catch (error) {
    if (error instanceof TroupeError) throw error
    throw failure('storage.io', { path: settings.place.name, problem: messageOf(error) }, { cause: error })
  }
}

async function prepare(settings: Settings, migrations: readonly Migration[], now: number): Promise<void> {
  const { place, migratePlace, acquireMs } = settings
  const using = async (at: Settings['place'], run: (client: Client) => Promise<void>) => {
    const client = await connect(at, 'troupe opens', acquireMs)
    try {
      await run(client)
    } finally {
      await client.end().catch(() => {})
    }
  }
  await using(migratePlace, async (client) => {
    await migrate(client, migrations, { ...migratePlace, user: place.user }, Math.floor(now))
    if (place === migratePlace) await secured(client, settings)
  })
  if (place !== migratePlace) await using(place, (client) => secured(client, settings))
}

async function secured(client: Client, { place }: Settings): Promise<void> {
  const problem = await insecurity(client, place)
  if (problem) throw failure('validation.failed', { what: `The database ${place.name}`, problem })
}

async function assemble(settings: Settings, options: OpenStorageOptions): Promise<OpenedStorage> {
  const { clock, random, time = 'engine', retention = {} } = options
  const { place } = settings
  const pool = await createPool(settings)
  const transactions = new Transactions({
    pool,
    schema: place.schema,
    statementMs: settings.statementMs,
    ...(time === 'clock' ? { now: steady(options) } : {}),
  })
  const hints = new Hints()
  const ids = createIds(clock, random)
  const line = new HintLine({
    place,
    node: ids.next(),
    tell: (heard) => hints.forward(heard),
    notify: async (channel, payload) => void (await pool.query('select pg_notify($1, $2)', [channel, payload])),
    look: (since) => look(transactions, since),
    state: (state) => storage.setState(state),
  })
  const lanes = new CommitLanes({
    transactions,
    random,
    ids,
    place: place.name,
    patienceMs: settings.acquireMs,
    committed(change, result) {
      hints.note(change, result)
      line.pass(hints.flush())
    },
  })
  const sweeper = new Sweeper({
    clock,
    everyMs: milliseconds(retention.every ?? '1m', 'The time between clean-ups'),
    sweep: (most) => sweep(transactions, retention, most),
  })
  const stop = async () => {
    await sweeper.stop()
    await line.stop()
  }
  const storage = new PostgresStorage({ place: place.name, pool, transactions, lanes, hints, stop })
  try {
    await line.start()
    return storage
  } catch (error) {
    await storage.close()
    throw error
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
  const outcome = await transactions.read({ work: true }, [{ sql, binds }])
  if (outcome.kind === 'failed') throw outcome.error
  return { rows: outcome.rows[0] ?? [], at: outcome.at }
}

async function look(transactions: Transactions, since: number) {
  const { rows, at } = await ask(transactions, 'select last_value as wakes from storage_wakes')
  const changed = await ask(transactions, 'select user_id, revision from troupe_changed($1)', [since])
  const users = changed.rows.map(({ user_id, revision }) => ({ user: user_id, revision: Number(revision) }) as Hint)
  return { wakes: Number(rows[0]?.wakes), at, users }
}

async function sweep(
  transactions: Transactions,
  retention: NonNullable<OpenStorageOptions['retention']>,
  most: number,
): Promise<number> {
  const ids = milliseconds(retention.changeIds ?? '24h', 'The retention of change ids')
  const feed = milliseconds(retention.feed ?? '24h', 'The retention of the feed')
  const now = { $: 'now' } as const
  const scope = { work: true } as const
  const outcome = await transactions.change(
    {
      id: null,
      scope,
      statements: [
        {
          sql: 'select troupe_sweep($1, $2, $3, $4) as gone',
          binds: [{ ...now, plusMs: -ids }, { ...now, plusMs: -feed }, retention.feedRevisions ?? 10_000, most],
          returns: true,
        },
      ],
    },
    null,
  )
  if (outcome.kind === 'failed') throw outcome.error
  return Number(outcome.rows[0]?.[0]?.gone ?? 0)
}
