/** Computes the pause before another attempt: exponential backoff with full jitter (Brooker, AWS Architecture Blog, 2015). */
import type { Random } from '../core/index.ts'

export interface Backoff {
  /** The maximal pause before the second attempt, in ms. */
  readonly baseMs: number
  readonly maxMs: number
}

/** @param attempt the number of the failed attempt, from 1 */
export const backoffDelay = (backoff: Backoff, attempt: number, random: Random): number =>
  Math.ceil(Math.min(backoff.maxMs, backoff.baseMs * 2 ** (attempt - 1)) * (0.5 + random.next() / 2))
