/** What a result says of its call, whoever made it. */
import { AccessDeniedError, catalogue, type ErrorCode, type Json } from '../core/index.ts'

/** A result that says `success: false`, as those of the built-in tools do. */
export const isFailure = (result: unknown): result is { readonly [field: string]: Json } =>
  typeof result === 'object' && result !== null && (result as { readonly success?: unknown }).success === false

/** Rights were missing, or another's name was used. */
export const isRefusal = (code: unknown): boolean =>
  typeof code === 'string' && Object.hasOwn(catalogue, code) && catalogue[code as ErrorCode].class === AccessDeniedError
