/** Notices when a process was away: before it started, and while its machine was suspended. */
import type { Clock } from './clock.ts'

/** A clock that a time server sets jumps by less. */
const leastJumpMs = 10_000

export class LastReturn {
  readonly #clock: Clock
  #backAt: number
  /** The wall clock minus the monotonic one, which stands still while a machine with Linux is suspended. */
  #offset: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#backAt = clock.now()
    this.#offset = this.#backAt - clock.monotonic()
  }

  /** Notices a suspension since the call before. @returns since when the process is back, in ms since 1970 */
  update(): number {
    const now = this.#clock.now()
    const offset = now - this.#clock.monotonic()
    if (offset - this.#offset > leastJumpMs) this.#backAt = now
    this.#offset = offset
    return this.#backAt
  }
}
