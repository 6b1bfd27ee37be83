/** Bounded waits: code and effects that take long, or ignore their signal, delay nothing else. */
import { type Clock, sleep } from '../../core/index.ts'

/** Resolves with the promise, or after `ms`. */
export async function waitAtMost(clock: Clock, ms: number, promise: Promise<unknown>): Promise<void> {
  const over = new AbortController()
  const late = sleep(clock, ms, over.signal).catch(() => {})
  await Promise.race([promise, late])
  over.abort()
}
