/**
 * Waits for a server, measured by the machine's timers and not by the clock of the storage, because the server does not
 * follow a test clock.
 */
import { type Random, whenAborted } from '../../../core/index.ts'

/** Resolves after the time, or when the signal aborts. */
export const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => {
      stopWatching()
      resolve()
    }, ms)
    const stopWatching = whenAborted(signal, () => {
      clearTimeout(timer)
      resolve()
    })
  })

/**
 * Returns a delay that doubles with each attempt, multiplied by a random factor from 0.5 to 1.5. Clients that lost the
 * same server then do not reconnect at the same moment.
 */
export const backoffMs = (attempt: number, { first, last }: { first: number; last: number }, random: Random): number =>
  Math.min(first * 2 ** attempt, last) * (0.5 + random.next())

/** A time limit that starts at the first call of `isOver`. */
export class Deadline {
  readonly #ms: number
  #over = false
  #begun = false

  constructor(ms: number) {
    this.#ms = ms
  }

  isOver(): boolean {
    if (!this.#begun) {
      this.#begun = true
      setTimeout(() => {
        this.#over = true
      }, this.#ms).unref()
    }
    return this.#over
  }
}
