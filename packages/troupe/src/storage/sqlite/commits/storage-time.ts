/**
 * The time of a storage. It is the clock's time; if the clock goes back, it is the last reading plus the monotonic time
 * since.
 *
 * Invariant: the time never decreases.
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
