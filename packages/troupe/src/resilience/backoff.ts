/**
 * Computes the pause before another attempt: exponential backoff, reduced by a random part of up to one half ("equal
 * jitter", Brooker, AWS Architecture Blog, 2015).
 */
import type { Random } from '../core/index.ts'

/**
 * The pauses between attempts: each is at most twice the pause before, and shortened by a random part of up to one
 * half.
 */
export interface Backoff {
  /** The longest pause before the second attempt, in ms. */
  readonly baseMs: number
  /** The longest pause, in ms. */
  readonly maxMs: number
}

/** Returns the pause in ms. @param attempt the number of the failed attempt, from 1 */
export const backoffDelay = (backoff: Backoff, attempt: number, random: Random): number =>
  Math.ceil(Math.min(backoff.maxMs, backoff.baseMs * 2 ** (attempt - 1)) * (0.5 + random.next() / 2))
