/** What a failed attempt means: try again, wait, or give up. Told from the shape of the AI SDK's errors alone. */
import { storeError, TroupeError, toReadable } from '../core/index.ts'
import { isOfNetwork } from '../resilience/index.ts'

export type ModelFailure =
  /** The caller's signal, or a cassette that lacks it or can't be written: nothing else is asked. */
  | { readonly kind: 'stop' }
  /** 400, 401, 403 …: the same call can never succeed with this model. */
  | { readonly kind: 'rejected'; readonly status: number; readonly problem: string }
  /** 429: not a failure of the model. */
  | { readonly kind: 'limited'; readonly afterMs: number | undefined }
  | { readonly kind: 'failed'; readonly problem: string; readonly canRetry: boolean }

/** Of the AI SDK: another attempt may bring an answer that can be read. */
const unreadable = new Set([
  'AI_JSONParseError',
  'AI_TypeValidationError',
  'AI_InvalidResponseDataError',
  'AI_EmptyResponseBodyError',
])

interface ApiError {
  readonly statusCode?: number
  readonly responseHeaders?: Readonly<Record<string, string | undefined>>
  readonly isRetryable?: boolean
}

/** @param at ms since 1970, against which a date in retry-after is read */
export function verdictOf(error: unknown, at: number): ModelFailure {
  if (error instanceof TroupeError) {
    if (error.name === 'CancelledError' || error.code.startsWith('cassette.')) return { kind: 'stop' }
    // A call that hung once hangs again: the next of the chain is asked at once.
    return { kind: 'failed', problem: error.message, canRetry: error.retryable && error.name !== 'TimeoutError' }
  }
  const { statusCode, responseHeaders = {}, isRetryable } = (error ?? {}) as ApiError
  // Their messages quote what came, which may echo prompts or keys.
  if (unreadable.has((error as Error | undefined)?.name ?? '') || statusCode === 200)
    return { kind: 'failed', problem: 'what came is not an answer of its protocol', canRetry: true }
  const problem = problemOf(error)
  if (statusCode === 429) return { kind: 'limited', afterMs: retryAfter(responseHeaders, at) }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500 && statusCode !== 408 && statusCode !== 409)
    return { kind: 'rejected', status: statusCode, problem }
  // Broken connections come bare where a model is not the AI SDK's own; any other bare error is a defect that stays.
  return { kind: 'failed', problem, canRetry: isRetryable ?? (statusCode !== undefined || isOfNetwork(error)) }
}

/** What a provider sent was no answer; another attempt may bring one. */
export const invalidModelAnswer = (problem: string): Error => Object.assign(new Error(problem), { isRetryable: true })

/** What a model threw, as an error whose message can be read: it may have thrown null, a text or a Proxy. */
export function thrownByModel(thrown: unknown): object {
  const readable = toReadable(thrown)
  return typeof readable === 'object' && readable !== null ? readable : new Error(storeError(readable).message)
}

/**
 * What a provider reports within a stream that had begun well: an object of its own, its status among its fields or not
 * told at all. Without one it is like a broken connection.
 */
export function reportedInStream(reported: unknown): Error {
  if (reported instanceof Error) return reported
  const object = typeof reported === 'object' && reported !== null
  const fields = (object ? reported : { message: reported }) as Readonly<Record<string, unknown>>
  const { message, type, isRetryable } = fields
  const problem = [message, type].find((text) => typeof text === 'string' && text !== '') ?? 'it reported a failure'
  const status = [fields.statusCode, fields.status, fields.code].map(Number).find((code) => code >= 400 && code < 600)
  const more = status === undefined ? { isRetryable: isRetryable ?? true } : { statusCode: status, isRetryable }
  return Object.assign(new Error(String(problem)), more)
}

/** The first line of the message; responses may echo prompts or keys, so bodies are left out. */
const problemOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]?.slice(0, 300) || 'no reason given'

/** RFC 9110 §10.2.3, seconds or a date; `retry-after-ms` as OpenAI sends it. */
function retryAfter(headers: Readonly<Record<string, string | undefined>>, at: number): number | undefined {
  const header = (name: string) => Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1]
  const exact = Number(header('retry-after-ms') ?? Number.NaN)
  if (Number.isFinite(exact)) return Math.max(0, exact)
  const value = header('retry-after')
  if (value === undefined) return undefined
  const seconds = Number(value)
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000)
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - at)
}
