/** Bounded waits: code and effects that ignore their signal delay nothing. */
import { type Clock, sleep } from '../../core/index.ts'

/** Resolves with the promise, or after `ms`. With `from`, the time begins when that signal aborts. */
export async function waitAtMost(
  clock: Clock,
  ms: number,
  promise: Promise<unknown>,
  from?: AbortSignal,
): Promise<void> {
  const over = new AbortController()
  const late = new Promise<void>((resolve) => {
    const begin = () => void sleep(clock, ms, over.signal).then(resolve, () => {})
    if (!from || from.aborted) begin()
    else from.addEventListener('abort', begin, { once: true, signal: over.signal })
  })
  await Promise.race([promise, late])
  over.abort()
}
