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
/** Parts are short: reading the clock after each would cost more than many of them. */
const partsPerLook = 16

/** Work that can pause at each `yield`. */
export type WorkInParts<Result> = Generator<undefined, Result, undefined>

/** Does work without a pause. */
export function finishNow<Result>(work: WorkInParts<Result>): Result {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}

export class TimeSlice {
  readonly #clock: Clock
  readonly #onRenewed: (() => void) | undefined
  #endsAt: number

  /** @param onRenewed called at the start of each further slice; an error that it throws ends the loop */
  constructor(clock: Clock, onRenewed?: () => void) {
    this.#clock = clock
    this.#onRenewed = onRenewed
    this.#endsAt = clock.monotonic() + sliceMs
  }

  get isOver(): boolean {
    return this.#clock.monotonic() >= this.#endsAt
  }

  /** Begins another slice after a macrotask. */
  async renew(): Promise<void> {
    await nextMacrotask(this.#clock)
    this.#endsAt = this.#clock.monotonic() + sliceMs
    this.#onRenewed?.()
  }

  /** Does work that yields between its parts, and begins another slice whenever one is over. */
  async finish<Result>(work: WorkInParts<Result>): Promise<Result> {
    for (let parts = 1; ; parts++) {
      const { done, value } = work.next()
      if (done) return value
      if (parts % partsPerLook === 0 && this.isOver) await this.renew()
    }
  }
}
