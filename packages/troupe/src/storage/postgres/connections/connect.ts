/** Connections of `pg`, which is loaded when the first one is needed, with values as SQLite gives them. */
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
  // Sums of bigint are numeric.
  [oid.numeric]: (text) => (/^-?\d+$/.test(text) ? integer(text) : Number(text)),
}
const types = {
  getTypeParser: (type: number) => parsers[type] ?? String,
} as CustomTypesConfig

async function load(): Promise<typeof import('pg')> {
  return (await loadOptional('PostgreSQL as storage', 'pg', () => import('pg'))).default as typeof import('pg')
}

/** Of connections for changes and reads. */
export const applicationName = 'troupe'

/** What is sent goes out at once: statements of a transaction wait for nobody's answer. */
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

/** @throws what pg throws, which never holds the password */
export async function connect(location: ConnectionTarget, application: string, connectMs: number): Promise<Client> {
  const { Client } = await load()
  const client = new Client(configOf(location, application, connectMs))
  // An error between queries also ends the connection; whoever waits on it hears of that by `end`.
  client.on('error', () => {})
  await client.connect()
  return client
}

/** What is sent whole leaves no transaction idle for long. */
export const idleMsOf = (statementMs: number): number => Math.min(10_000, Math.ceil(statementMs / 2))

/** What the server bounds by itself, where the session is ours. */
const settingsOf = (statementMs: number): string =>
  [
    // Were a BEGIN ever cancelled, what follows it would find no table instead of being done outside a transaction.
    'search_path=',
    // Compiling a plan takes longer than any statement of ours, and is begun where statistics are old.
    'jit=off',
    `statement_timeout=${statementMs}`,
    `idle_in_transaction_session_timeout=${idleMsOf(statementMs)}`,
  ]
    .map((each) => `-c ${each}`)
    .join(' ')

/** What queries are sent by on connections made here. */
export const createChunks = async (): Promise<Chunks> => new Chunks((await load()).Query)

/** Of those above the pool's size. */
const overflowIdleMs = 2_000

/** @param pooled a pooler takes no settings of a session, for it shares sessions */
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
  // A connection that ends while nobody uses it is simply gone; who uses it hears by the queries that fail.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}
