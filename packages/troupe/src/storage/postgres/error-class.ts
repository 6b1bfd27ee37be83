/** Classifies errors: a failed expectation, an error that allows a retry, an unreachable server, and others. */
import type { DatabaseError } from 'pg'
import { failure, type TroupeError } from '../../core/index.ts'
import type { PostgresSettings } from './connections/connection-target.ts'

/** The SQLSTATEs that Troupe's own database functions raise. */
const raised = { unexpected: 'TR001', repeated: 'TR002' }

export type PostgresErrorClass =
  /** A failed expectation, with the index of the statement and the number of rows found. */
  | { readonly kind: 'unexpected'; readonly statement: number; readonly found: number }
  /** The change was committed before. */
  | { readonly kind: 'repeated' }
  /** A row with that key already exists. */
  | { readonly kind: 'unique-violation' }
  /** The transaction had no effect and may be repeated. */
  | { readonly kind: 'retry' }
  /** The connection is unusable, and the outcome of the sent statements is unknown. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'full' }
  /** An earlier statement of the transaction failed. */
  | { readonly kind: 'aborted' }
  /** The server, the database or the transaction does not accept writes. */
  | { readonly kind: 'writes' }
  /** The statement exceeded its time limit or was cancelled. */
  | { readonly kind: 'slow' }
  /** All connections were in use for too long. */
  | { readonly kind: 'exhausted' }
  /** The server rejects the role, its password or the database, or the role lacks a privilege. */
  | { readonly kind: 'denied' }
  /** The server's identity could not be verified, or it does not support TLS. */
  | { readonly kind: 'untrusted' }
  | { readonly kind: 'invalid' }

const kinds: Readonly<Record<string, Exclude<PostgresErrorClass['kind'], 'unexpected'>>> = {
  [raised.repeated]: 'repeated',
  '23505': 'unique-violation',
  '40001': 'retry',
  '40P01': 'retry',
  '55P03': 'retry',
  '25P02': 'aborted',
  '25006': 'writes',
  '57014': 'slow',
  '53100': 'full',
  '28000': 'denied',
  '28P01': 'denied',
  '3D000': 'denied',
  '42501': 'denied',
  '25P03': 'lost',
  '25P04': 'lost',
  '57P01': 'lost',
  '57P02': 'lost',
  '57P03': 'lost',
  '57P05': 'lost',
}

export function errorClassOf(error: unknown): PostgresErrorClass {
  const code = sqlState(error)
  if (code === undefined) return { kind: kindOfConnection(error) }
  if (code.startsWith('08') || code.startsWith('53')) return { kind: kinds[code] === 'full' ? 'full' : 'lost' }
  if (code === raised.unexpected) {
    const [statement = 0, found = 0] = messageOf(error).split(' ').map(Number)
    return { kind: 'unexpected', statement, found }
  }
  // A migration invalidated the prepared statement; a new connection prepares it again.
  if (code === '0A000' && messageOf(error).startsWith('cached plan')) return { kind: 'lost' }
  // Other fatal errors end the login, as that of a database that accepts no connections.
  return { kind: kinds[code] ?? ((error as DatabaseError).severity === 'FATAL' ? 'denied' : 'invalid') }
}

/** Codes of Node for certificate errors, and messages of `pg` for servers without TLS. */
const untrusted = /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/
const speaksNone = /does not support SSL|establishing an SSL connection/

/** Classifies an error of the socket or of `pg`. */
function kindOfConnection(error: unknown): 'exhausted' | 'untrusted' | 'lost' {
  const message = messageOf(error)
  // The message of pg-pool, whose error has no code.
  if (message === 'timeout exceeded when trying to connect') return 'exhausted'
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return untrusted.test(code) || speaksNone.test(message) ? 'untrusted' : 'lost'
}

/** Returns true also for a pooler, which passes on the message of the server, or its own, under another SQLSTATE. */
const isAtConnectionLimit = (error: unknown): boolean =>
  sqlState(error) === '53300' || /too many (connections|clients)|max_client_conn/.test(messageOf(error))

/**
 * Returns the error for callers, for failures that cannot be retried here.
 * @param path the location of the failure; the main location by default
 */
export function failureOf(error: unknown, settings: PostgresSettings, path = settings.location.name): TroupeError {
  const { poolSize, poolOverflow, acquireMs, statementMs } = settings
  const options = { cause: error }
  const values = { path, problem: messageOf(error) }
  const { kind } = errorClassOf(error)
  if (kind === 'lost')
    return failure(isAtConnectionLimit(error) ? 'storage.connection_limit' : 'storage.unreachable', values, options)
  if (kind === 'untrusted') return failure('storage.untrusted', values, options)
  if (kind === 'denied') return failure('storage.denied', values, options)
  if (kind === 'exhausted')
    return failure('storage.exhausted', { path, ms: acquireMs, connections: poolSize + poolOverflow }, options)
  if (kind === 'writes') return failure('storage.writes_rejected', values, options)
  if (kind === 'slow') return failure('storage.slow', { ...values, ms: statementMs }, options)
  return failure('storage.io', values, options)
}

/**
 * Returns the SQLSTATE. Only errors of the server have a severity; without that check `EPIPE` would count as a state.
 */
function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

export const messageOf = (error: unknown): string =>
  error instanceof AggregateError && error.errors.length > 0
    ? messageOf(error.errors[0])
    : error instanceof Error
      ? error.message
      : String(error)
