/** How long to wait before another attempt: exponential with full jitter (Brooker, AWS Architecture Blog, 2015). */
import type { Random } from '../core/index.ts'

export interface Backoff {
  /** Before the second attempt at most, in ms. */
  readonly baseMs: number
  readonly maxMs: number
}

/** @param attempt of the one that failed, from 1 */
export const backoffDelay = (backoff: Backoff, attempt: number, random: Random): number =>
  Math.ceil(Math.min(backoff.maxMs, backoff.baseMs * 2 ** (attempt - 1)) * (0.5 + random.next() / 2))
