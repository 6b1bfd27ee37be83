/** Connections of `pg`, which is loaded for the first one, with values in the form that SQLite returns. */
import type { Client, ClientConfig, CustomTypesConfig, Pool } from 'pg'
import { loadOptional } from '../../../core/index.ts'
import { Chunks } from './chunks.ts'
import type { ConnectionTarget, PostgresSettings } from './connection-target.ts'

/** Object ids of types, from pg_type.dat. */
const oid = { bool: 16, bytea: 17, int8: 20, int2: 21, int4: 23, float4: 700, float8: 701, numeric: 1700 }

const integer = (text: string): number | bigint => {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}
const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  [oid.bool]: (text) => (text === 't' ? 1 : 0),
  [oid.bytea]: (text) => Buffer.from(text.slice(2), 'hex'),
  [oid.int8]: integer,
  [oid.int2]: Number,
  [oid.int4]: Number,
  [oid.float4]: Number,
  [oid.float8]: Number,
  // Sums of bigint values have the type numeric.
  [oid.numeric]: (text) => (/^-?\d+$/.test(text) ? integer(text) : Number(text)),
}
const types = {
  getTypeParser: (type: number) => parsers[type] ?? String,
} as CustomTypesConfig

async function load(): Promise<typeof import('pg')> {
  return (await loadOptional('PostgreSQL as storage', 'pg', () => import('pg'))).default as typeof import('pg')
}

/** The application name of connections for changes and reads. */
export const applicationName = 'troupe'

/**
 * Returns the options of a connection. Queries are sent at once: the statements of a transaction do not wait for
 * answers.
 */
const configOf = (
  location: ConnectionTarget,
  application: string,
  connectMs: number,
): ClientConfig & { pipeline: boolean } => {
  const { host, port, database, user, password, tls } = location
  const ssl =
    typeof tls === 'object'
      ? { rejectUnauthorized: tls.check ?? true, ...(tls.ca === undefined ? {} : { ca: tls.ca }) }
      : tls === true
  return {
    host,
    port,
    database,
    user,
    password,
    ssl,
    types,
    application_name: application,
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    pipeline: true,
  }
}

/** @throws the errors of `pg`, which never contain the password */
export async function connect(location: ConnectionTarget, application: string, connectMs: number): Promise<Client> {
  const { Client } = await load()
  const client = new Client(configOf(location, application, connectMs))
  // An error between queries also ends the connection; its users are notified by the `end` event.
  client.on('error', () => {})
  await client.connect()
  return client
}

/**
 * Returns the time in ms after which the server ends an idle transaction. Transactions are sent completely, so they are
 * never idle for long.
 */
export const idleMsOf = (statementMs: number): number => Math.min(10_000, Math.ceil(statementMs / 2))

/** Settings by which the server limits a session, if the session belongs to this process alone. */
const settingsOf = (statementMs: number): string =>
  [
    // If a BEGIN is ever cancelled, the following statements find no table, so that they cannot run outside a
    // transaction.
    'search_path=',
    // JIT compilation takes longer than any statement here, and old statistics can start it.
    'jit=off',
    // The lock of a user orders the changes only if each statement sees what was committed before it.
    'default_transaction_isolation=read\\ committed',
    // A wait for a lock ends with its statement.
    'lock_timeout=0',
    `statement_timeout=${statementMs}`,
    `idle_in_transaction_session_timeout=${idleMsOf(statementMs)}`,
  ]
    .map((each) => `-c ${each}`)
    .join(' ')

/** Returns the sender of queries on connections made here. */
export const createChunks = async (): Promise<Chunks> => new Chunks((await load()).Query)

/** The idle time after which a connection above the pool's size is closed. */
const overflowIdleMs = 2_000

/** @param pooled whether a pooler is in between; it accepts no session settings because it shares sessions */
export async function createPool(
  settings: PostgresSettings,
  pooled: boolean,
  application = applicationName,
): Promise<Pool> {
  const { location, poolSize, poolOverflow, acquireMs, recycleMs, statementMs } = settings
  const { Pool } = await load()
  const pool = new Pool({
    ...configOf(location, application, acquireMs),
    ...(pooled ? {} : { options: settingsOf(statementMs) }),
    max: poolSize + poolOverflow,
    min: poolSize,
    idleTimeoutMillis: overflowIdleMs,
    maxLifetimeSeconds: Math.ceil(recycleMs / 1_000),
  })
  // An idle connection that ends is removed from the pool; for a connection in use the queries fail.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}
