/** Reads from the result of a tool whether its call has failed. */
import { AccessDeniedError, catalogue, type ErrorCode, type Json } from '../core/index.ts'

/** Returns true for a result with `success: false`, the form of the built-in tools. */
export const isFailure = (result: unknown): result is { readonly [field: string]: Json } =>
  typeof result === 'object' && result !== null && (result as { readonly success?: unknown }).success === false

/** Rights were missing, or another's name was used. */
export const isRejection = (code: unknown): boolean =>
  typeof code === 'string' && Object.hasOwn(catalogue, code) && catalogue[code as ErrorCode].class === AccessDeniedError

/** Returns the error code of a failed result for events; `tool.failed` if a user's tool returned another form of code. */
export const codeOf = ({ code }: { readonly code?: unknown }): string =>
  typeof code === 'string' && /^[\w.-]{1,64}$/.test(code) ? code : 'tool.failed'
