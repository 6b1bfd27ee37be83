/** Converts the options of the guides' `ContextMesh` to the configuration of a troupe. No option is ignored. */

import type { TroupeConfig } from '../../configuration/index.ts'
import { checkOptions, type Duration, invalidInput, show } from '../../core/index.ts'
import { unsupported } from './unsupported.ts'

export interface MeshOptions {
  /** The user; `default` by default. */
  readonly user_id?: string
  readonly enable_indexing?: boolean
  readonly auto_cleanup?: boolean
  /** Seconds; 300 by default. */
  readonly cleanup_interval?: number
  /** True by default if a database is named. Otherwise all data is in memory. */
  readonly enable_persistence?: boolean
  readonly db_backend?: 'sqlite' | 'postgresql'
  /** The path; `syntha_context.db` by default if the backend is named. `:memory:` is a database in memory. */
  readonly db_path?: string
  readonly connection_string?: string
  readonly host?: string
  readonly port?: number
  readonly database?: string
  readonly db_name?: string
  readonly user?: string
  readonly username?: string
  readonly password?: string
  readonly sslmode?: 'disable' | 'require' | 'verify-ca' | 'verify-full'
  /** The number of connections, to which `max_overflow` is added. */
  readonly pool_size?: number
  readonly max_overflow?: number
  /** Seconds. */
  readonly pool_timeout?: number
  readonly pool_recycle?: number
}

const common = [
  'user_id',
  'enable_indexing',
  'auto_cleanup',
  'cleanup_interval',
  'enable_persistence',
  'db_backend',
] as const
const server = [
  'connection_string',
  'host',
  'port',
  'database',
  'db_name',
  'user',
  'username',
  'password',
  'sslmode',
] as const
const pool = ['pool_size', 'max_overflow', 'pool_timeout', 'pool_recycle'] as const

const secondsOf = (value: number, what: string): Duration => {
  if (typeof value !== 'number' || !(value > 0)) throw invalidInput(what, 'it must be a number of seconds above zero')
  return `${value}s`
}

/** @throws ValidationError for an unknown, contradictory or unsupported option */
export function meshConfig(options: MeshOptions): TroupeConfig {
  checkOptions('ContextMesh', options, [...common, 'db_path', ...server, ...pool])
  if (options.enable_indexing === false)
    throw unsupported('enable_indexing: false', 'every lookup goes by an index, and costs what it returns')
  if (options.auto_cleanup === false)
    throw unsupported('auto_cleanup: false', 'what has expired is invisible at once, and is cleaned up later')
  const { cleanup_interval } = options
  return {
    storage: storageOf(options),
    ...(cleanup_interval === undefined
      ? {}
      : { context: { cleanup: secondsOf(cleanup_interval, 'cleanup_interval') } }),
  }
}

function storageOf(options: MeshOptions): TroupeConfig['storage'] {
  const { db_backend, db_path } = options
  if (db_backend !== undefined && db_backend !== 'sqlite' && db_backend !== 'postgresql')
    throw invalidInput('db_backend', `Unsupported backend type: ${show(db_backend)}`)
  const ofServer: readonly string[] = [...server, ...pool]
  const forServer = Object.keys(options).filter((name) => ofServer.includes(name))
  if (options.enable_persistence === false) {
    if (db_backend !== undefined || db_path !== undefined || forServer.length > 0)
      throw invalidInput('enable_persistence', 'it is false, and a database is named')
    return 'memory:'
  }
  if (db_backend === 'postgresql') {
    if (db_path !== undefined) throw invalidInput('db_path', "only db_backend: 'sqlite' has it")
    return postgres(options)
  }
  if (forServer.length > 0) throw invalidInput(forServer.join(', '), "only db_backend: 'postgresql' has them")
  if (db_backend === undefined && db_path === undefined && options.enable_persistence === undefined) return 'memory:'
  // The name of SQLite for a database in memory.
  if (db_path === ':memory:') return 'memory:'
  return `sqlite:${db_path ?? 'syntha_context.db'}`
}

function postgres(options: MeshOptions): Exclude<TroupeConfig['storage'], string> {
  const { connection_string: url, host, port, password, pool_timeout, pool_recycle } = options
  const database = options.database ?? options.db_name
  const user = options.user ?? options.username
  const fields = Object.entries({ url, host, port, database, user, password })
  if (url === undefined && database === undefined)
    throw invalidInput('postgresql', 'connection_string or database is missing')
  return {
    ...Object.fromEntries(fields.filter(([, value]) => value !== undefined)),
    ...(options.sslmode === undefined ? {} : { tls: tlsOf(options.sslmode) }),
    ...(options.pool_size === undefined ? {} : { poolSize: options.pool_size + (options.max_overflow ?? 0) }),
    ...(pool_timeout === undefined ? {} : { acquireTimeout: secondsOf(pool_timeout, 'pool_timeout') }),
    ...(pool_recycle === undefined ? {} : { recycle: secondsOf(pool_recycle, 'pool_recycle') }),
  }
}

function tlsOf(sslmode: string): boolean | { readonly check: false } {
  if (sslmode === 'disable') return false
  if (sslmode === 'require') return { check: false }
  if (sslmode === 'verify-ca' || sslmode === 'verify-full') return true
  throw unsupported(`sslmode ${sslmode}`, 'a connection is encrypted or it is not: disable, require or verify-full')
}
