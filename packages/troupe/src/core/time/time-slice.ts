/**
 * Splits a long loop into slices of 10 ms, so that timers, sockets and other work run in between.
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

  /** Begins another slice after a macrotask. */
  async renew(): Promise<void> {
    await nextMacrotask(this.#clock)
    this.#endsAt = this.#clock.monotonic() + sliceMs
  }
}
