/**
 * A share of the processor for a loop that may be long: after so many ms timers, sockets and other work have their turn.
 *
 * @example
 * const slice = new TimeSlice(clock)
 * for (const each of all) {
 *   if (slice.isOver) await slice.renew()
 *   handle(each)
 * }
 */
import { type Clock, nextMacrotask } from './clock.ts'

const sliceMs = 10

export class TimeSlice {
  readonly #clock: Clock
  #endsAt: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#endsAt = clock.monotonic() + sliceMs
  }

  get isOver(): boolean {
    return this.#clock.monotonic() >= this.#endsAt
  }

  /** Resolves after a macrotask, with another slice. */
  async renew(): Promise<void> {
    await nextMacrotask(this.#clock)
    this.#endsAt = this.#clock.monotonic() + sliceMs
  }
}
