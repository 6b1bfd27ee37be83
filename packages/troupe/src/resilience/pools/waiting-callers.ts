/**
 * Callers that wait for something that is handed out one at a time: the caller that came first is served first.
 *
 * Invariant: a caller leaves the queue at the moment at which it is served, times out or is cancelled, so that nothing is
 * handed to a caller that has left.
 */
import { type Clock, failure } from '../../core/index.ts'

/** How long one caller waits. */
export interface WaitLimit {
  readonly clock: Clock
  /** Of the monotonic clock, ms. */
  readonly until: number
  readonly signal: AbortSignal | undefined
  /** Makes the error of a caller whose time is over. */
  readonly timedOut: () => Error
}

/** Calls `end` when the time is over or the signal aborts. @returns a function that ends the watch */
export function watchLimit({ clock, until, signal, timedOut }: WaitLimit, end: (error: Error) => void): () => void {
  const cancel = clock.after(Math.max(0, until - clock.monotonic()), () => end(timedOut()))
  const onAbort = () => end(failure('cancelled', { what: 'Acquiring from a pool' }, { cause: signal?.reason }))
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  return () => {
    cancel()
    signal?.removeEventListener('abort', onAbort)
  }
}

interface WaitingCaller<T> {
  readonly resolve: (handed: T) => void
  readonly reject: (error: Error) => void
}

export class WaitingCallers<T> {
  readonly #all: WaitingCaller<T>[] = []

  get size(): number {
    return this.#all.length
  }

  /** @returns what `serve` hands out. @throws what the limit or `rejectAll` says */
  async wait(limit: WaitLimit): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const caller = { resolve, reject }
    this.#all.push(caller)
    const endWatch = watchLimit(limit, (error) => {
      const at = this.#all.indexOf(caller)
      if (at < 0) return
      this.#all.splice(at, 1)
      reject(error)
    })
    try {
      return await promise
    } finally {
      endWatch()
    }
  }

  /** Hands something to the caller that waits longest. @returns false where none waits */
  serve(handed: T): boolean {
    const caller = this.#all.shift()
    caller?.resolve(handed)
    return caller !== undefined
  }

  rejectAll(error: Error): void {
    for (const { reject } of this.#all.splice(0)) reject(error)
  }
}
