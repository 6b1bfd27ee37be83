/** How late timers come: what keeps the loop busy holds up everything else. */
import type { Cancel, Clock } from '../../core/index.ts'

const everyMs = 5_000
/** The worst of so many is kept: five minutes. */
const maxSamples = 60

export class LoopLag {
  readonly #clock: Clock
  readonly #late: number[] = []
  #timer: Cancel | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** ms, the worst of the last five minutes. */
  get worstMs(): number {
    return Math.max(0, ...this.#late)
  }
  /** ms, the last one measured. */
  get latestMs(): number {
    return this.#late.at(-1) ?? 0
  }

  start(): void {
    const began = this.#clock.monotonic()
    this.#timer = this.#clock.after(
      everyMs,
      () => {
        this.#late.push(Math.max(0, this.#clock.monotonic() - began - everyMs))
        if (this.#late.length > maxSamples) this.#late.shift()
        this.start()
      },
      { background: true },
    )
  }
  stop(): void {
    this.#timer?.()
  }
}
