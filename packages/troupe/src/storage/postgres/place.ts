/** Where a database is: from a URL or its parts, and as people may see it, without the password. */
import { checkOptions, failure, milliseconds } from '../../core/index.ts'
import type { PostgresOptions } from '../postgres-options.ts'

export interface Place {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string | undefined
  readonly schema: string
  readonly tls: NonNullable<PostgresOptions['tls']>
  /** For messages. */
  readonly name: string
}

export interface Settings {
  readonly place: Place
  /** The same database in the eyes of the role that owns the tables. */
  readonly migratePlace: Place
  readonly poolSize: number
  readonly acquireMs: number
  readonly statementMs: number
  readonly recycleMs: number
}

type Parts = Omit<Partial<PostgresOptions>, 'url' | 'migrateUrl'>

const known = ['url', 'host', 'port', 'database', 'user', 'password', 'schema', 'tls', 'migrateUrl', 'poolSize']
const durations = ['acquireTimeout', 'statementTimeout', 'recycle'] as const

/** @throws ValidationError `option.unknown`, `validation.failed` */
export function settingsOf(options: PostgresOptions): Settings {
  checkOptions('postgres', options, [...known, ...durations])
  const parts = { ...(options.url === undefined ? {} : parse(options.url)), ...defined(options) }
  const place = placeOf(parts)
  const migrate = options.migrateUrl === undefined ? {} : parse(options.migrateUrl)
  const poolSize = options.poolSize ?? 10
  if (!Number.isInteger(poolSize) || poolSize < 1 || poolSize > 1_000) throw wrong('poolSize is 1 to 1,000')
  return {
    place,
    migratePlace: options.migrateUrl === undefined ? place : placeOf({ ...withoutPassword(parts), ...migrate }),
    poolSize,
    acquireMs: milliseconds(options.acquireTimeout ?? '10s', 'acquireTimeout'),
    statementMs: milliseconds(options.statementTimeout ?? '30s', 'statementTimeout'),
    recycleMs: milliseconds(options.recycle ?? '30m', 'recycle'),
  }
}

const withoutPassword = ({ password: _, ...parts }: Parts): Parts => parts

/** A URL is never repeated in an error: it may hold a password. */
const wrong = (problem: string) =>
  failure('validation.failed', { what: 'The place of the PostgreSQL database', problem })

const defined = (options: PostgresOptions): Parts =>
  Object.fromEntries(Object.entries(options).filter(([name, value]) => name !== 'url' && value !== undefined))

/**
 * Taken apart by hand: a password may hold any character, `@`, `/`, `#` and `%` too, encoded or not. The last `@` before
 * the database ends it.
 */
function parse(url: string): Parts {
  const rest = /^postgres(?:ql)?:\/\/(.*)$/s.exec(url)?.[1]
  if (rest === undefined) throw wrong('it does not begin with postgres://')
  const at = rest.lastIndexOf('@')
  const found = /^(\[[^\]]*\]|[^:/?]*)(?::(\d+))?(?:\/([^?]*))?(?:\?(.*))?$/s.exec(rest.slice(at + 1))
  if (!found) throw wrong('after the last @ it is not host:port/database')
  const [, host, port, database, query] = found
  const secrets = at < 0 ? '' : rest.slice(0, at)
  const colon = secrets.indexOf(':')
  const user = colon < 0 ? secrets : secrets.slice(0, colon)
  return {
    ...(host ? { host: decoded(host.replace(/^\[|\]$/g, '')) } : {}),
    ...(port ? { port: Number(port) } : {}),
    ...(database ? { database: decoded(database) } : {}),
    ...(user ? { user: decoded(user) } : {}),
    ...(colon < 0 ? {} : { password: decoded(secrets.slice(colon + 1)) }),
    ...queried(query ?? ''),
  }
}

function queried(query: string): Parts {
  const parts: { -readonly [Name in 'schema' | 'tls' | 'host']?: Parts[Name] } = {}
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === 'schema' || name === 'host') parts[name] = value
    else if (name !== 'sslmode') throw wrong(`${JSON.stringify(name)} is not one of schema, host, sslmode`)
    else if (value === 'disable') parts.tls = false
    else if (value === 'verify-full') parts.tls = true
    else if (value === 'require') parts.tls = { check: false }
    else throw wrong('sslmode is disable, require or verify-full')
  }
  return parts
}

/** What is no percent-encoding stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function placeOf(parts: Parts): Place {
  const { host = 'localhost', port = 5432, user = 'postgres', password, schema = 'troupe', tls = false } = parts
  const database = parts.database ?? user
  if (!/^[a-z_][a-z0-9_]{0,40}$/.test(schema)) throw wrong('schema is lower case letters, digits and _, 41 at most')
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw wrong('port is 1 to 65535')
  for (const text of [host, database, user, password ?? ''])
    if (typeof text !== 'string' || text.includes('\0')) throw wrong('host, database, user and password are texts')
  if (typeof tls === 'object') checkOptions('tls', tls, ['ca', 'check'])
  const name = `postgres://${encodeURIComponent(user)}@${host}:${port}/${encodeURIComponent(database)}`
  return { host, port, database, user, password, schema, tls, name }
}
