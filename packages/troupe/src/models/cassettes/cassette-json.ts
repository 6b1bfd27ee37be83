/**
 * Converts requests and answers of models and tools to JSON and back: dates, bytes and errors have a special form,
 * functions are omitted. A key of a value that looks like one of these forms gets another `$`.
 */
import { type Json, restoreError, type StoredError, storeError, TroupeError } from '../../core/index.ts'
import { isOfNetwork } from '../../resilience/index.ts'
import { delayOfBody, type FailedResponse } from '../answers/asked-pause.ts'

/** The headers that decide whether and when a call is retried; no other header is recorded. */
const recordedHeaders = ['retry-after', 'retry-after-ms']
/** The keys of the special forms, and those with more `$` before them. */
const formKey = /^\$+(?:date|number|bytes|error)$/

export function toCassetteJson(value: unknown, depth = 0): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : { $number: String(value) }
  if (typeof value === 'bigint') return { $number: String(value) }
  if (typeof value !== 'object') return null
  if (value instanceof Date) return { $date: Number.isNaN(value.getTime()) ? '' : value.toISOString() }
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') }
  if (value instanceof Error) return errorToJson(value)
  if (value instanceof URL) return value.href
  if (depth > 200) return null
  if (Array.isArray(value)) return value.map((item) => toCassetteJson(item, depth + 1))
  const fields = Object.entries(value).filter(([, item]) => item !== undefined && typeof item !== 'function')
  return Object.fromEntries(
    fields.map(([key, item]) => [formKey.test(key) ? `$${key}` : key, toCassetteJson(item, depth + 1)]),
  )
}

export function fromJson(value: Json): unknown {
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(fromJson)
  const fields = value as { readonly [key: string]: Json }
  if (typeof fields.$date === 'string') return new Date(fields.$date)
  if (typeof fields.$number === 'string') return Number(fields.$number)
  if (typeof fields.$bytes === 'string') return Uint8Array.from(Buffer.from(fields.$bytes, 'base64'))
  if (fields.$error !== undefined) return errorFromJson(fields.$error as ErrorForm)
  return Object.fromEntries(
    Object.entries(fields).map(([key, item]) => [formKey.test(key) ? key.slice(1) : key, fromJson(item)]),
  )
}

type ErrorForm = {
  readonly troupe?: StoredError
  readonly name: string
  readonly message: string
  readonly statusCode?: number
  readonly isRetryable?: boolean
  readonly responseHeaders?: { readonly [name: string]: string }
}

/** Bodies of answers and stacks stay out: they may echo prompts or keys. */
function errorToJson(error: Error): Json {
  if (error instanceof TroupeError) return { $error: { troupe: storeError(error) } }
  const { statusCode, isRetryable, responseHeaders = {}, responseBody } = error as Partial<ErrorForm> & FailedResponse
  const headers = Object.entries(responseHeaders).filter(([name]) => recordedHeaders.includes(name.toLowerCase()))
  // The body is not recorded.
  const delay = delayOfBody(responseBody)
  if (headers.length === 0 && delay !== undefined) headers.push(['retry-after', delay])
  return {
    $error: {
      name: error.name,
      message: error.message,
      ...(typeof statusCode === 'number' ? { statusCode } : {}),
      isRetryable: isRetryable ?? isOfNetwork(error),
      ...(headers.length > 0 ? { responseHeaders: Object.fromEntries(headers) } : {}),
    },
  }
}

function errorFromJson({ troupe, name, message, ...rest }: ErrorForm): Error {
  if (troupe) return restoreError(troupe)
  return Object.assign(new Error(message), { name, ...rest })
}
