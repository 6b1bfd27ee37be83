/** An error as journals and messages keep it: no stack, no cause's internals, JSON only. */
import type { Json } from '../json-value.ts'
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

/**
 * Anything thrown, be it an Error or not, as it is stored. Messages are cut at 4,000 characters.
 * @param redact takes secrets out: what users' code throws may quote one
 */
export function storeError(thrown: unknown, redact?: (text: string) => string): StoredError {
  const stored = plain(thrown)
  if (!redact) return stored
  const text = JSON.stringify(stored)
  const clean = redact(text)
  return clean === text ? stored : (JSON.parse(clean) as StoredError)
}

function plain(thrown: unknown): StoredError {
  if (thrown instanceof errors.TroupeError)
    return {
      name: thrown.name,
      code: thrown.code,
      message: thrown.message.slice(0, limit),
      retryable: thrown.retryable,
      ...(thrown.hint === undefined ? {} : { hint: thrown.hint }),
      ...(thrown.details === undefined ? {} : { details: thrown.details }),
    }
  const name = thrown instanceof Error ? thrown.name : 'Error'
  const message = thrown instanceof Error ? thrown.message : `thrown: ${describe(thrown)}`
  const { code } = (thrown ?? {}) as { readonly code?: unknown }
  // A code of others (ECONNRESET) is kept beside ours, so that rules can name it.
  const details = typeof code === 'string' ? { details: { code: code.slice(0, 100) } } : {}
  return { name, code: 'agent.failed', message: message.slice(0, limit), retryable: false, ...details }
}

const describe = (thrown: unknown): string => {
  try {
    return typeof thrown === 'string' ? thrown : (JSON.stringify(thrown) ?? String(thrown))
  } catch {
    return String(thrown)
  }
}

type ErrorClass = new (message: string, options?: errors.TroupeErrorOptions) => errors.TroupeError
const classes = new Map<string, ErrorClass>(Object.entries(errors as Readonly<Record<string, ErrorClass>>))

/** The error again, of its class where that is one of Troupe's, else an AgentError that carries the name. */
export function restoreError(stored: StoredError): errors.TroupeError {
  const known = classes.get(stored.name)
  const error = new (known ?? errors.AgentError)(stored.message, stored)
  if (!known) error.name = stored.name
  return error
}
