/** What an error means: whether an expectation failed, the change may be tried again, or the server is away. */
import { failure, type TroupeError } from '../../core/index.ts'
import type { PostgresSettings } from './connections/connection-target.ts'

/** Raised by our own functions. */
const raised = { unexpected: 'TR001', repeated: 'TR002' }

export type PostgresErrorClass =
  /** `statement` as it was numbered, with what was found. */
  | { readonly kind: 'unexpected'; readonly statement: number; readonly found: number }
  /** The change was committed before. */
  | { readonly kind: 'repeated' }
  /** A row with that key is there already. */
  | { readonly kind: 'unique-violation' }
  /** Nothing was done; the whole may be repeated. */
  | { readonly kind: 'retry' }
  /** The connection is of no use any more; whether what was sent was done is not known. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'full' }
  /** The transaction had failed before. */
  | { readonly kind: 'aborted' }
  /** The server, the database or the transaction takes no writes. */
  | { readonly kind: 'writes' }
  /** The server let it wait too long, or somebody cancelled it. */
  | { readonly kind: 'slow' }
  /** All connections were in use for too long. */
  | { readonly kind: 'exhausted' }
  /** The server does not let this role in. */
  | { readonly kind: 'denied' }
  /** It is not the server it should be, or speaks no TLS. */
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
  '25P03': 'lost',
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
  // A statement prepared before the tables were changed: made anew on another connection.
  if (code === '0A000' && messageOf(error).startsWith('cached plan')) return { kind: 'lost' }
  return { kind: kinds[code] ?? 'invalid' }
}

/** Codes of Node for certificates, and what pg says where the other side speaks no TLS. */
const untrusted = /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/
const speaksNone = /does not support SSL|establishing an SSL connection/

/** It is not from the server but from the socket or from pg. */
function kindOfConnection(error: unknown): 'exhausted' | 'untrusted' | 'lost' {
  const message = messageOf(error)
  // The words of pg-pool, which gives them no code.
  if (message === 'timeout exceeded when trying to connect') return 'exhausted'
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return untrusted.test(code) || speaksNone.test(message) ? 'untrusted' : 'lost'
}

/**
 * The error that callers get for what cannot be put right here.
 * @param path of the place it happened at, where that is not the one that serves
 */
export function failureOf(error: unknown, settings: PostgresSettings, path = settings.location.name): TroupeError {
  const { poolSize, poolOverflow, acquireMs, statementMs } = settings
  const options = { cause: error }
  const values = { path, problem: messageOf(error) }
  const { kind } = errorClassOf(error)
  if (kind === 'lost') return failure('storage.unreachable', values, options)
  if (kind === 'untrusted') return failure('storage.untrusted', values, options)
  if (kind === 'denied') return failure('storage.denied', values, options)
  if (kind === 'exhausted')
    return failure('storage.exhausted', { path, ms: acquireMs, connections: poolSize + poolOverflow }, options)
  if (kind === 'writes') return failure('storage.read_only', values, options)
  if (kind === 'slow') return failure('storage.slow', { ...values, ms: statementMs }, options)
  return failure('storage.io', values, options)
}

/** Only the server's errors have a severity; `EPIPE` would pass for a state. */
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
