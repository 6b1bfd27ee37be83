/**
 * Splits long loops into slices, so that timers, sockets and other work run in between. All loops of a process that run in
 * one macrotask share its 10 ms: many requests at once hold the process no longer than one.
 *
 * @example
 * const slice = new TimeSlice(clock)
 * for (const each of all) {
 *   if (slice.isOver) await slice.renew()
 *   handle(each)
 * }
 */
import type { Clock } from './clock.ts'

const sliceMs = 10
/**
 * A call that is later than this may never come, because a program replaced the timers while it was set, as fake timers of
 * tests do. It is set again. It can also be late because the macrotask is not over: then the loops have no more time.
 */
const lostAfterMs = 100
/** How many short parts are done between two looks: reading the clock after each would cost more than many of them. */
const shortParts = 16

/** A part yields it if it took long, or if the next one will: that one begins in a macrotask of its own. */
export const longPart = 'long'

/** Work that can pause at each `yield`. */
export type WorkInParts<Result> = Generator<typeof longPart | undefined, Result, undefined>

/** Does work without a pause. */
export function finishNow<Result>(work: WorkInParts<Result>): Result {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}

/** The time that the loops of a macrotask share, and the loops that wait for a later one, the oldest first. */
class SharedSlice {
  static readonly #ofClocks = new WeakMap<Clock, SharedSlice>()
  readonly #clock: Clock
  readonly #waiting: (() => void)[] = []
  /** undefined until a loop of the macrotask starts the time. */
  #endsAt: number | undefined
  /** When the call that begins the next macrotask was set. */
  #scheduledAt = 0
  /** The number of the macrotask: the first of the calls that are scheduled for the next one begins it. */
  #turn = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  static of(clock: Clock): SharedSlice {
    const known = SharedSlice.#ofClocks.get(clock)
    if (known) return known
    const shared = new SharedSlice(clock)
    SharedSlice.#ofClocks.set(clock, shared)
    return shared
  }

  get isOver(): boolean {
    return this.begin() >= (this.#endsAt as number)
  }

  /** The first loop of a macrotask starts its time. @returns the time now */
  begin(): number {
    const now = this.#clock.monotonic()
    const hasBegun = this.#endsAt !== undefined
    if (!hasBegun) this.#endsAt = now + sliceMs
    if (!hasBegun || now - this.#scheduledAt > lostAfterMs) {
      this.#scheduledAt = now
      this.#scheduleNext()
    }
    return now
  }

  /** Resolves in a later macrotask, in the order of the calls. */
  wait(onRenewed: (() => void) | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.push(() => {
        try {
          onRenewed?.()
          resolve()
        } catch (error) {
          reject(error as Error)
        }
      })
      // The call that began the time may be lost, and no later loop may notice it.
      if (waiting === 1) this.#scheduleNext()
    })
  }

  #scheduleNext(): void {
    const turn = this.#turn
    this.#clock.soon(() => {
      if (turn === this.#turn) void this.#next()
    })
  }

  async #next(): Promise<void> {
    this.#turn++
    this.#endsAt = undefined
    while (this.#waiting.length > 0 && !this.isOver) {
      this.#waiting.shift()?.()
      // The loop runs in the microtask before this one, so the next look sees the time that it took.
      await Promise.resolve()
    }
  }
}

export class TimeSlice {
  readonly #shared: SharedSlice
  readonly #onRenewed: (() => void) | undefined

  /** @param onRenewed called at the start of each further slice; an error that it throws ends the loop */
  constructor(clock: Clock, onRenewed?: () => void) {
    this.#shared = SharedSlice.of(clock)
    this.#onRenewed = onRenewed
    this.#shared.begin()
  }

  get isOver(): boolean {
    return this.#shared.isOver
  }

  /** Begins another slice after a macrotask. */
  renew(): Promise<void> {
    return this.#shared.wait(this.#onRenewed)
  }

  /**
   * Does work that yields between its parts, and begins another slice whenever one is over.
   * @param partsPerLook 1 for parts that may be long
   */
  async finish<Result>(work: WorkInParts<Result>, partsPerLook = shortParts): Promise<Result> {
    for (let parts = 0; ; parts++) {
      if (parts % partsPerLook === 0 && this.isOver) await this.renew()
      const { done, value } = work.next()
      if (done) return value
      if (value === longPart) await this.renew()
    }
  }
}

/** Resolves at once if the loops of this macrotask have time left, otherwise in a later macrotask. */
export async function macrotaskWithTime(clock: Clock): Promise<void> {
  const slice = new TimeSlice(clock)
  if (slice.isOver) await slice.renew()
}
