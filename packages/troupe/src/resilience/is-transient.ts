/** Which failures may pass by themselves. */
import { TroupeError } from '../core/index.ts'

/** Errors of ours say so; of others, broken connections alone: anything else is a defect that stays. */
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

/** Of an answer by HTTP: what the other side says is the caller's mistake stays one. */
export function isTransient(error: unknown): boolean {
  const { status } = (error instanceof TroupeError ? error.details : {}) as { readonly status?: unknown }
  if (typeof status === 'number' && status >= 400 && status < 500 && status !== 429) return false
  return mayPass(error)
}
