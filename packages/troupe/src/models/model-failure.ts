/** Classifies a failed attempt by the shape of the AI SDK's errors: retry, wait, or give up. */
import { storeError, TroupeError, toReadable, truncateText } from '../core/index.ts'
import { isOfNetwork } from '../resilience/index.ts'
import { askedPause, type FailedResponse } from './answers/asked-pause.ts'

export type ModelFailure =
  /** The caller aborted, or the cassette lacks the request or cannot be written. No other model is asked. */
  | { readonly kind: 'stop' }
  /** Status 400, 401, 403, …, or no credit: the same call cannot succeed with this model. */
  | { readonly kind: 'rejected'; readonly status: number; readonly problem: string; readonly isTooLong: boolean }
  /** Status 429: a rate limit, which is not a failure of the model. */
  | { readonly kind: 'limited'; readonly afterMs: number | undefined }
  | {
      readonly kind: 'failed'
      readonly problem: string
      readonly canRetry: boolean
      /** The pause that the provider asks for. */
      readonly afterMs?: number | undefined
    }

/** Errors of the AI SDK after which another attempt may bring a readable answer. */
const unreadable = new Set([
  'AI_JSONParseError',
  'AI_TypeValidationError',
  'AI_InvalidResponseDataError',
  'AI_EmptyResponseBodyError',
])

interface ApiError extends FailedResponse {
  readonly statusCode?: number
  readonly isRetryable?: boolean
}

/** @param at ms since 1970, to which a date in retry-after is compared */
export function verdictOf(error: unknown, at: number): ModelFailure {
  if (error instanceof TroupeError) {
    if (error.name === 'CancelledError' || error.code.startsWith('cassette.')) return { kind: 'stop' }
    // A call that timed out is not retried with this model; the next model of the chain is asked at once.
    return { kind: 'failed', problem: error.message, canRetry: error.retryable && error.name !== 'TimeoutError' }
  }
  const response = (error ?? {}) as ApiError
  const { statusCode, isRetryable } = response
  // Their messages quote the response, which may contain prompts or keys.
  if (unreadable.has((error as Error | undefined)?.name ?? '') || statusCode === 200)
    return { kind: 'failed', problem: 'the response does not follow the protocol of the provider', canRetry: true }
  const problem = problemOf(error)
  const afterMs = askedPause(response, at)
  if (statusCode === 429 && !hasNoCredit(response)) return { kind: 'limited', afterMs }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500 && statusCode !== 408 && statusCode !== 409)
    return { kind: 'rejected', status: statusCode, problem, isTooLong: isTooLong(error, statusCode) }
  // Model objects outside the AI SDK throw connection errors directly. Any other direct error is a defect and is not retried.
  return { kind: 'failed', problem, canRetry: isRetryable ?? (statusCode !== undefined || isOfNetwork(error)), afterMs }
}

/** The provider sent an unreadable answer; another attempt may bring a readable one. */
export const invalidModelAnswer = (problem: string): Error => Object.assign(new Error(problem), { isRetryable: true })

/** Returns a readable error for any thrown value, also for null, a string or a Proxy. */
export function thrownByModel(thrown: unknown): object {
  const readable = toReadable(thrown)
  return typeof readable === 'object' && readable !== null ? readable : new Error(storeError(readable).message)
}

/**
 * Returns whether an error in a stream only says that its event has a type that the package of the provider does not know.
 * Providers add types, and ask clients to ignore those that they do not know.
 */
export function isUnknownEvent(reported: unknown): boolean {
  const { name, cause } = (reported ?? {}) as {
    readonly name?: unknown
    readonly cause?: { readonly issues?: unknown }
  }
  const issues = cause?.issues
  if (name !== 'AI_TypeValidationError' || !Array.isArray(issues) || issues.length === 0) return false
  return issues.every(({ code, discriminator, path }) => {
    return code === 'invalid_union' && discriminator === 'type' && Array.isArray(path) && path.at(-1) === 'type'
  })
}

/**
 * Reads an error that a provider reports within a stream. Its form depends on the provider, and its status may be missing.
 * Without a status it counts as a broken connection.
 */
export function reportedInStream(reported: unknown): Error {
  if (reported instanceof Error) return reported
  const object = typeof reported === 'object' && reported !== null
  const fields = (object ? reported : { message: reported }) as Readonly<Record<string, unknown>>
  const { message, type, isRetryable } = fields
  const problem = [message, type].find((text) => typeof text === 'string' && text !== '') ?? 'it reported a failure'
  const known = [fields.statusCode, fields.status, fields.code].map(Number).find((code) => code >= 400 && code < 600)
  const names = [type, fields.code, fields.status].map(String)
  const status = known ?? statusNamed(names, String(problem))
  // The body shows whether the credit is used up.
  const more =
    status === undefined
      ? { isRetryable: isRetryable ?? true }
      : { statusCode: status, isRetryable, responseBody: JSON.stringify(names) }
  return Object.assign(new Error(String(problem)), more)
}

/** Names of rate limits: OpenAI and what is compatible with it, Anthropic, Google. */
const namesLimit = /^(?:rate_limit(?:_exceeded|_error)?|too_many_requests|insufficient_quota|RESOURCE_EXHAUSTED)$/
/** Names of an overload, which services answer with 503, Anthropic with 529. */
const namesOverload = /^(?:overloaded(?:_error)?|server_overloaded|UNAVAILABLE)$/

/** Returns the status with which a service answers a request for the same reason. */
function statusNamed(names: readonly string[], problem: string): number | undefined {
  if (names.some((name) => namesLimit.test(name))) return 429
  if (names.some((name) => namesOverload.test(name))) return 529
  return namesWindow.test(`${problem} ${names.join(' ')}`) ? 400 : undefined
}

/**
 * The messages and codes with which services reject a prompt for its length: OpenAI and what is compatible with it, Anthropic,
 * Google, Bedrock, Mistral, xAI, Cohere, vLLM.
 */
const namesWindow =
  /context[_ ](?:length|window|limit)|(?:prompt|input) is too long|maximum (?:prompt|input) length|input token count|too many (?:input )?tokens|reduce the length|request_too_large/i

function isTooLong(error: unknown, status: number): boolean {
  const { message, responseBody } = (error ?? {}) as Readonly<Record<string, unknown>>
  return (
    status === 413 || ([400, 422].includes(status) && namesWindow.test(`${String(message)} ${String(responseBody)}`))
  )
}

/** Returns true if a pause does not help: OpenAI, and what is compatible with it, answers 429 also when the credit is used up. */
const hasNoCredit = ({ responseBody }: FailedResponse): boolean =>
  typeof responseBody === 'string' && responseBody.includes('"insufficient_quota"')

/** Returns the first line of the message. Bodies are omitted, since they may contain prompts or keys. */
const problemOf = (error: unknown): string =>
  truncateText((error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '', 300) || 'no reason given'
