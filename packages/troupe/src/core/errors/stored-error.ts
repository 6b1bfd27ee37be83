/** An error as journals and messages keep it: no stack, no cause's internals, JSON only. */
import type { Json } from '../values/json-value.ts'
import * as errors from './troupe-error.ts'

export type StoredError = {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly retryable: boolean
  readonly hint?: string
  readonly details?: Json
}

const limit = 4_000
/** Characters of details as JSON. */
const maxDetailsLength = 256 * 1024

/**
 * Anything thrown, be it an Error or not, as it is stored: it never fails, for a step that could not tell how it ended
 * would be tried for ever. Messages are cut at 4,000 characters; details that JSON cannot carry, or of more than 256 KB,
 * are left away.
 * @param redact takes secrets out: what users' code throws may quote one
 */
export function storeError(thrown: unknown, redact?: (text: string) => string): StoredError {
  const stored = readable(thrown)
  if (!redact) return stored
  const text = JSON.stringify(stored)
  const clean = redact(text)
  return clean === text ? stored : (JSON.parse(clean) as StoredError)
}

/** What throws where it is looked at, a Proxy or a getter, says nothing of itself. */
function readable(thrown: unknown): StoredError {
  try {
    return plain(thrown)
  } catch {
    return { name: 'Error', code: 'agent.failed', message: 'thrown: what cannot be read', retryable: false }
  }
}

function plain(thrown: unknown): StoredError {
  if (thrown instanceof errors.TroupeError)
    return {
      name: textOf(thrown.name).slice(0, 100),
      code: textOf(thrown.code).slice(0, 100),
      message: textOf(thrown.message).slice(0, limit),
      retryable: thrown.retryable === true,
      ...(thrown.hint === undefined ? {} : { hint: textOf(thrown.hint).slice(0, limit) }),
      ...carried(thrown.details),
    }
  const name = thrown instanceof Error ? textOf(thrown.name).slice(0, 100) : 'Error'
  const message = thrown instanceof Error ? textOf(thrown.message) : `thrown: ${describe(thrown)}`
  const { code } = (thrown ?? {}) as { readonly code?: unknown }
  // A code of others (ECONNRESET) is kept beside ours, so that rules can name it.
  const details = typeof code === 'string' ? { details: { code: code.slice(0, 100) } } : {}
  return { name, code: 'agent.failed', message: message.slice(0, limit), retryable: false, ...details }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : describe(value))

function carried(details: Json | undefined): { readonly details?: Json } {
  if (details === undefined) return {}
  try {
    const text = JSON.stringify(details)
    return text === undefined || text.length > maxDetailsLength ? {} : { details: JSON.parse(text) as Json }
  } catch {
    return {}
  }
}

const describe = (thrown: unknown): string => {
  try {
    return typeof thrown === 'string' ? thrown : (JSON.stringify(thrown) ?? String(thrown))
  } catch {
    return String(thrown)
  }
}

/** What was thrown, or an error in its place where asking of what class it is throws. */
export function toReadable(thrown: unknown): unknown {
  try {
    void (thrown instanceof Error)
    return thrown
  } catch {
    return restoreError(storeError(thrown))
  }
}

type ErrorClass = new (message: string, options?: errors.TroupeErrorOptions) => errors.TroupeError
const classes = new Map<string, ErrorClass>(Object.entries(errors as Readonly<Record<string, ErrorClass>>))

/**
 * The error again, of its class where that is one of Troupe's, else an AgentError that carries the name. The last failure of
 * attempts that were used up is its `cause`.
 */
export function restoreError(stored: StoredError): errors.TroupeError {
  const known = classes.get(stored.name)
  const cause = stored.code === 'retries.exhausted' ? causeOf(stored.details) : undefined
  const error = new (known ?? errors.AgentError)(stored.message, cause ? { ...stored, cause } : stored)
  if (!known) error.name = stored.name
  return error
}

function causeOf(details: Json | undefined): errors.TroupeError | undefined {
  const { cause } = (details ?? {}) as { readonly cause?: Partial<StoredError> | null }
  return typeof cause?.message === 'string' && typeof cause.name === 'string'
    ? restoreError(cause as StoredError)
    : undefined
}
