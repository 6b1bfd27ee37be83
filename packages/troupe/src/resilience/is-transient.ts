/** Decides which failures may be temporary. */
import { TroupeError } from '../core/index.ts'

/**
 * Returns whether a retry may succeed: a TroupeError carries this information; of other errors only network errors
 * count.
 */
export const mayPass = (error: unknown): boolean =>
  error instanceof TroupeError ? error.retryable : isOfNetwork(error)

export function isOfNetwork(error: unknown): boolean {
  for (let each = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth++) {
    const { code } = each as { readonly code?: unknown }
    if (typeof code === 'string' && /^(E[A-Z]+|UND_ERR_\w+)$/.test(code)) return true
    if (each instanceof TypeError && each.message === 'fetch failed') return true
  }
  return false
}

/** Returns whether a failure of an HTTP request may be temporary; status codes from 400 to 499 except 429 are not. */
export function isTransient(error: unknown): boolean {
  const { status } = (error instanceof TroupeError ? error.details : {}) as { readonly status?: unknown }
  if (typeof status === 'number' && status >= 400 && status < 500 && status !== 429) return false
  return mayPass(error)
}
