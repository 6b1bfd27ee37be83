/**
 * The time of a storage: that of the clock. If the clock goes back, the last reading and the monotonic time since.
 *
 * Invariant: it never decreases.
 */
import type { Clock } from '../../../core/index.ts'

export class StorageTime {
  readonly #clock: Clock
  #last = { at: 0, monotonic: 0 }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns ms since 1970, a whole number */
  now(): number {
    const [wall, monotonic] = [Math.floor(this.#clock.now()), this.#clock.monotonic()]
    const at = wall >= this.#last.at ? wall : this.#last.at + Math.floor(monotonic - this.#last.monotonic)
    if (at !== this.#last.at) this.#last = { at, monotonic }
    return at
  }
}
