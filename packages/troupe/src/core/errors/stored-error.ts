/** Errors as records store them. A text that is not Troupe's own always comes with an id. */
import { hashText } from '../json/canonical-json.ts'
import type { Json } from '../values/json-value.ts'
import { truncateText } from '../values/truncate-text.ts'
import { catalogue } from './catalogue.ts'
import type { CatalogueEntry } from './catalogue-entry.ts'
import { failure, isOwn, markOwn } from './failure.ts'
import * as errors from './troupe-error.ts'

/** An error as journals and messages store it: no stack, no cause's internals, JSON only. */
export type StoredError = {
  /** The class of the error, such as `ValidationError`. */
  readonly name: string
  /** The stable code. */
  readonly code: string
  /** The message, at most 4,000 characters. */
  readonly message: string
  /** True if another attempt may succeed. */
  readonly retryable: boolean
  /** What to do about it; absent if there is no hint. */
  readonly hint?: string
  /** Data for programs, at most 256 KB as JSON; absent if there is none. */
  readonly details?: Json
  /**
   * The id of the error, present if the text comes from code that is not Troupe's: callers of the server get the id in
   * place of the text.
   */
  readonly errorId?: string
}

const limit = 4_000
/** Characters of details as JSON. */
const maxDetailsLength = 256 * 1024

/**
 * Returns any thrown value as it is stored. It never fails, since a step whose end cannot be stored would be retried
 * for ever. Messages are cut at 4,000 characters; details that JSON cannot carry, or of more than 256 KB, are omitted.
 * @param redact removes secrets, which errors of application code may quote
 */
export function storeError(thrown: unknown, redact?: (text: string) => string): StoredError {
  const stored = readable(thrown)
  if (!redact) return stored
  const text = JSON.stringify(stored)
  const clean = redact(text)
  return clean === text ? stored : (JSON.parse(clean) as StoredError)
}

/** A value that throws when it is read, such as a Proxy or a getter, has no readable text. */
function readable(thrown: unknown): StoredError {
  try {
    return plain(thrown)
  } catch {
    const message = 'thrown: what cannot be read'
    return withHint({ name: 'Error', code: 'agent.failed', message, retryable: false, errorId: 'err_unreadable' })
  }
}

function plain(thrown: unknown): StoredError {
  if (thrown instanceof errors.TroupeError) {
    const errorId = thrown.errorId ?? foreignId(thrown)
    return withHint({
      name: truncateText(textOf(thrown.name), 100),
      code: truncateText(textOf(thrown.code), 100),
      message: truncateText(textOf(thrown.message), limit),
      retryable: thrown.retryable === true,
      ...(thrown.hint === undefined ? {} : { hint: truncateText(textOf(thrown.hint), limit) }),
      ...carried(thrown.details),
      ...(errorId === undefined ? {} : { errorId }),
    })
  }
  const name = thrown instanceof Error ? truncateText(textOf(thrown.name), 100) : 'Error'
  const message = thrown instanceof Error ? textOf(thrown.message) : `thrown: ${describe(thrown)}`
  const { code } = (thrown ?? {}) as { readonly code?: unknown }
  // A foreign code (ECONNRESET) is stored in the details, so that rules can name it.
  const details = typeof code === 'string' ? { details: { code: truncateText(code, 100) } } : {}
  const errorId = fingerprint(thrown)
  return withHint({
    name,
    code: 'agent.failed',
    message: truncateText(message, limit),
    retryable: false,
    ...details,
    errorId,
  })
}

/** Adds the hint of the catalogue to an error without a hint. */
function withHint(stored: StoredError): StoredError {
  if (stored.hint !== undefined || !Object.hasOwn(catalogue, stored.code)) return stored
  const { hint }: CatalogueEntry = catalogue[stored.code as keyof typeof catalogue]
  return hint.includes('{') ? stored : { ...stored, hint }
}

/** Causes of causes are followed so far. */
const maxCauses = 5

/** Returns the id of a text that is not Troupe's: of the error itself, or of a cause whose message it quotes. */
function foreignId(error: errors.TroupeError, depth = 0): string | undefined {
  if (!isOwn(error)) return fingerprint(error)
  const { cause } = error
  if (cause === undefined || depth >= maxCauses) return undefined
  const quoted = cause instanceof Error ? textOf(cause.message) : describe(cause)
  if (quoted === '' || !textOf(error.message).includes(quoted.slice(0, 100))) return undefined
  if (!(cause instanceof errors.TroupeError)) return fingerprint(cause)
  return cause.errorId ?? foreignId(cause, depth + 1)
}

/**
 * Returns the same id for the same failure at the same line. The line is included so that a text cannot be guessed by
 * its id.
 */
function fingerprint(thrown: unknown): string {
  const [name, message, stack] =
    thrown instanceof Error
      ? [textOf(thrown.name), textOf(thrown.message), textOf(thrown.stack ?? '')]
      : ['Error', describe(thrown), '']
  const line = /^ +at .*$/m.exec(stack)?.[0] ?? ''
  return `err_${hashText(JSON.stringify([name, message.slice(0, limit), line])).slice(0, 16)}`
}

/** Returns the error for callers that may not read texts of application code: an id replaces message and details. */
export function concealed(stored: StoredError): StoredError {
  const { errorId, name, code, retryable } = stored
  if (errorId === undefined) return stored
  const { message, hint = '' } = failure('internal.error', { id: errorId })
  return {
    name: classes.has(name) ? name : 'AgentError',
    code: /^[a-z][a-z0-9_.]{0,99}$/.test(code) ? code : 'agent.failed',
    message,
    retryable,
    hint,
    errorId,
  }
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

/** Returns the message for a place that stores only a text, with the id that replaces it for callers of the server. */
export const messageWithId = ({ message, errorId }: StoredError): string =>
  errorId === undefined ? message : `${message} [${errorId}]`
/** The id in a text that `messageWithId` made, or that quotes one. */
export function errorIdIn(text: string): Pick<StoredError, 'errorId'> {
  const errorId = /\[(err_[0-9a-z]+)\]/.exec(text)?.[1]
  return errorId === undefined ? {} : { errorId }
}

/**
 * Returns an error of Troupe's own that quotes another one. If the quoted text is not Troupe's, the error has its id.
 */
export const quoting = (stored: StoredError, { errorId }: Pick<StoredError, 'errorId'>): StoredError =>
  errorId === undefined ? stored : { ...stored, errorId }

/** How events name an error. */
export function failedWith(thrown: unknown): { readonly code: string; readonly errorId?: string } {
  const { code, errorId } = storeError(thrown)
  return { code, ...(errorId === undefined ? {} : { errorId }) }
}

/** Returns the stack of a thrown value with those of its causes; undefined if it has none, or cannot be read. */
export function stackOf(thrown: unknown, depth = 0): string | undefined {
  try {
    const stack: unknown = thrown instanceof Error ? thrown.stack : undefined
    if (typeof stack !== 'string' || depth >= maxCauses) return typeof stack === 'string' ? stack : undefined
    const cause = stackOf((thrown as Error).cause, depth + 1)
    return cause === undefined ? stack : `${stack}\ncaused by: ${cause}`
  } catch {
    return undefined
  }
}

/** Returns the thrown value, or an error in its place if reading its class throws. */
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
  const options = { ...stored, ...statusOf(stored.code), ...(cause ? { cause } : {}) }
  const error = new (known ?? errors.AgentError)(stored.message, options)
  if (!known) error.name = stored.name
  return stored.errorId === undefined ? markOwn(error) : error
}

/** Returns the status of a code that has another one than its class. */
function statusOf(code: string): Pick<errors.TroupeErrorOptions, 'status'> {
  if (!Object.hasOwn(catalogue, code)) return {}
  const { status }: CatalogueEntry = catalogue[code as keyof typeof catalogue]
  return status === undefined ? {} : { status }
}

/** Adds the stacks of the thrown value, which a person needs to find the line. */
export function withStackOf(error: errors.TroupeError, thrown: unknown): errors.TroupeError {
  const stack = stackOf(thrown)
  if (stack !== undefined) error.stack = stack
  return error
}

function causeOf(details: Json | undefined): errors.TroupeError | undefined {
  const { cause } = (details ?? {}) as { readonly cause?: Partial<StoredError> | null }
  return typeof cause?.message === 'string' && typeof cause.name === 'string'
    ? restoreError(cause as StoredError)
    : undefined
}
