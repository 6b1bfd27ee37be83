/**
 * A first-in, first-out queue of callers that wait for a value each.
 *
 * Invariant: a caller leaves the queue at the moment at which it is served, times out or is cancelled. No value is
 * given to a caller that has left.
 */
import { type Clock, failure, whenAborted } from '../../core/index.ts'

/** The limit of one caller's wait. */
export interface WaitLimit {
  readonly clock: Clock
  /** The monotonic time in ms at which the wait ends. */
  readonly until: number
  readonly signal: AbortSignal | undefined
  /** The action of the caller, as the subject of the error if the signal aborts. */
  readonly what: string
  /** Creates the error of a caller that timed out. */
  readonly timedOut: () => Error
}

/** Calls `end` when the time is over or the signal aborts. @returns a function that ends the watch */
export function watchLimit(limit: WaitLimit, end: (error: Error) => void): () => void {
  const { clock, until, signal, what, timedOut } = limit
  const cancel = clock.after(Math.max(0, until - clock.monotonic()), () => end(timedOut()))
  const stopWatching = whenAborted(signal, () => end(failure('cancelled', { what }, { cause: signal?.reason })))
  return () => {
    cancel()
    stopWatching()
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

  /** @returns the value passed to `serve`. @throws the error of the limit or of `rejectAll` */
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

  /** Gives a value to the caller that has waited longest. @returns false if no caller waits */
  serve(handed: T): boolean {
    const caller = this.#all.shift()
    caller?.resolve(handed)
    return caller !== undefined
  }

  rejectAll(error: Error): void {
    for (const { reject } of this.#all.splice(0)) reject(error)
  }
}
