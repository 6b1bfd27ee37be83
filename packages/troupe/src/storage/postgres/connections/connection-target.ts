/** The location of a database, from a URL or its parts, and its name for messages without the password. */
import { checkFlag, checkOptions, type Duration, failure, milliseconds } from '../../../core/index.ts'
import type { PostgresOptions } from '../../postgres-options.ts'
import { type PostgresParts, partsOfUrl, wrongPostgres as wrong } from '../../postgres-url.ts'

export interface ConnectionTarget {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  /** A function, so that printing the target does not print the password. */
  readonly password: () => string | Promise<string>
  readonly schema: string
  readonly tls: NonNullable<PostgresOptions['tls']>
  /** The name for messages. */
  readonly name: string
}

export interface PostgresSettings {
  readonly location: ConnectionTarget
  /** The same database with the role that owns the tables. */
  readonly migrateLocation: ConnectionTarget
  /** The target of the LISTEN connection; undefined if `listenUrl` is absent. */
  readonly listenLocation: ConnectionTarget | undefined
  readonly poolSize: number
  readonly poolOverflow: number
  readonly acquireMs: number
  readonly statementMs: number
  readonly recycleMs: number
}

/** The names of all options in `PostgresOptions`. */
export const optionNames = [
  'url',
  'host',
  'port',
  'database',
  'user',
  'password',
  'schema',
  'tls',
  'migrateUrl',
  'listenUrl',
  'poolSize',
  'poolOverflow',
  'acquireTimeout',
  'statementTimeout',
  'recycle',
] as const satisfies readonly (keyof PostgresOptions)[]

/** @throws ValidationError `option.unknown`, `validation.failed` */
export function settingsOf(options: PostgresOptions): PostgresSettings {
  checkOptions('postgres', options, optionNames)
  const parts = { ...(options.url === undefined ? {} : partsOfUrl(options.url)), ...defined(options) }
  const location = locationOf(parts)
  const { migrateUrl, listenUrl, poolSize = 10, poolOverflow = 0 } = options
  if (!Number.isInteger(poolSize) || poolSize < 1 || poolSize > 1_000) throw wrong('poolSize is 1 to 1,000')
  if (!Number.isInteger(poolOverflow) || poolOverflow < 0 || poolOverflow > 1_000)
    throw wrong('poolOverflow is 0 to 1,000')
  return {
    location,
    migrateLocation: migrateUrl === undefined ? location : locationOf(beside(parts, migrateUrl)),
    listenLocation: listenUrl === undefined ? undefined : locationOf(beside(parts, listenUrl)),
    poolSize,
    poolOverflow,
    acquireMs: timeMs('acquireTimeout', options.acquireTimeout ?? '10s'),
    statementMs: timeMs('statementTimeout', options.statementTimeout ?? '30s'),
    recycleMs: timeMs('recycle', options.recycle ?? '30m', '1s'),
  }
}

/** Almost the longest time of a timer of Node, which would end a longer one at once, and of a timeout of the server. */
const longestMs = 24 * 86_400_000

/** `pg` and the server understand 0 as no limit. */
function timeMs(name: string, value: Duration, least: Duration = '1ms'): number {
  const ms = milliseconds(value, name, least)
  if (ms > longestMs) throw wrong(`${name} is at most 24d`)
  return ms
}

/** Merges a further URL with the parts of the main one. The password is used only for the same user. */
function beside({ password, ...parts }: PostgresParts, url: string): PostgresParts {
  const other = partsOfUrl(url)
  if (other.schema !== undefined && other.schema !== parts.schema)
    throw wrong('migrateUrl and listenUrl have the schema of url or schema, and cannot name another one')
  const same = other.user === undefined || other.user === parts.user
  return { ...parts, ...(same && password !== undefined ? { password } : {}), ...other }
}

const defined = ({ url: _url, migrateUrl: _migrate, listenUrl: _listen, ...parts }: PostgresOptions): PostgresParts =>
  Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined))

function locationOf(parts: PostgresParts): ConnectionTarget {
  const { host = 'localhost', port = 5432, user = 'postgres', password, schema = 'troupe', tls = false } = parts
  const database = parts.database ?? user
  if (!/^[a-z_][a-z0-9_]{0,40}$/.test(schema)) throw wrong('schema is lower case letters, digits and _, 41 at most')
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw wrong('port is 1 to 65535')
  const plainPassword = typeof password === 'function' ? '' : (password ?? '')
  for (const text of [host, database, user, plainPassword])
    if (typeof text !== 'string' || text.includes('\0')) throw wrong('host, database, user and password are texts')
  checkTls(tls)
  const name = `postgres://${encodeURIComponent(user)}@${host}:${port}/${encodeURIComponent(database)}`
  return {
    host,
    port,
    database,
    user,
    password: typeof password === 'function' ? password : () => plainPassword,
    schema,
    tls,
    name,
  }
}

/** Rejects values of other types: a truthy value would silently skip the check of the certificate. */
function checkTls(tls: ConnectionTarget['tls']): void {
  if (typeof tls === 'boolean' || tls === 'none') return
  checkOptions('tls', tls, ['ca', 'check'])
  if (tls.ca !== undefined && typeof tls.ca !== 'string') throw wrong('tls.ca is certificates as PEM')
  if (tls.check !== undefined) checkFlag('tls.check', tls.check)
}

/** Whether the host is this machine: a socket folder or a loopback address. */
const isLocal = ({ host }: ConnectionTarget): boolean =>
  host.startsWith('/') || /^(localhost|127(\.\d{1,3}){3}|::1|0:0:0:0:0:0:0:1)$/i.test(host)

/** @throws ValidationError `config.unsafe` if production does not allow the transport to the database */
export function checkTransport(location: ConnectionTarget): void {
  const { host, tls } = location
  if (isLocal(location) || tls === 'none') return
  if (tls === false)
    throw failure('config.unsafe', {
      what: 'storage.tls',
      problem: `the connections to ${host} are not encrypted`,
      remedy: "Set tls: true, or tls: 'none' if nothing else can reach the network between.",
    })
  if (typeof tls === 'object' && tls.check === false)
    throw failure('config.unsafe', {
      what: 'storage.tls',
      problem: `nothing checks the certificate of ${host}`,
      remedy: 'Set tls: true, or give the certificate of its authority as ca.',
    })
}
