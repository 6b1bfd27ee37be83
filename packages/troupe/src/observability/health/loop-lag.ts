/** The lag of the event loop: how late timers are, because of work that blocks the loop. */
import { type Clock, PeriodicTask } from '../../core/index.ts'

const everyMs = 5_000
/** The number of measurements whose worst counts: five minutes. */
const maxSamples = 60

export class LoopLag {
  readonly #clock: Clock
  readonly #late: number[] = []
  readonly #task: PeriodicTask
  #startedAt = 0

  constructor(clock: Clock) {
    this.#clock = clock
    const run = async () => this.#sample()
    this.#task = new PeriodicTask({ name: 'event loop lag', clock, intervalMs: everyMs, run })
  }

  /** The worst lag of the last five minutes in ms. */
  get worstMs(): number {
    return Math.max(0, ...this.#late)
  }

  start(): void {
    this.#startedAt = this.#clock.monotonic()
    this.#task.start()
  }
  stop(): void {
    this.#task.stop()
  }

  #sample(): void {
    const now = this.#clock.monotonic()
    this.#late.push(Math.max(0, now - this.#startedAt - everyMs))
    if (this.#late.length > maxSamples) this.#late.shift()
    this.#startedAt = now
  }
}
