/**
 * Detects a suspension of this process (a closed laptop, SIGSTOP) or a wall clock that was set forward: compares a tick each
 * second with the wall clock. It ticks only while a run executes here, because the clocks of a waiting run are stopped.
 */
import { type Clock, PeriodicTask } from '../../../core/index.ts'

const tickMs = 1_000

export class SuspensionWatch {
  readonly #clock: Clock
  readonly #leaseMs: number
  readonly #onSuspended: () => void
  readonly #working = new Set<string>()
  readonly #tick: PeriodicTask
  #seenAt = 0
  #totalMs = 0

  /**
   * @param leaseMs a tick that is later than this counts as a suspension
   * @param onSuspended called by a tick that finds one
   */
  constructor(clock: Clock, leaseMs: number, onSuspended: () => void) {
    this.#clock = clock
    this.#leaseMs = leaseMs
    this.#onSuspended = onSuspended
    this.#tick = new PeriodicTask({ name: 'suspension', clock, intervalMs: tickMs, run: async () => this.#onTick() })
  }

  /** Returns the total time in ms for which the process was suspended while it watched. */
  get totalMs(): number {
    if (this.#working.size === 0) return this.#totalMs
    const now = this.#clock.now()
    const gap = now - this.#seenAt
    this.#seenAt = now
    if (gap > tickMs + this.#leaseMs) this.#totalMs += gap
    return this.#totalMs
  }

  /** Reports that a run executes here, or no longer does. */
  update(run: string, works: boolean): void {
    if (works && this.#working.size === 0) {
      this.#seenAt = this.#clock.now()
      this.#tick.start()
    }
    if (works) this.#working.add(run)
    else this.#working.delete(run)
    if (this.#working.size === 0) this.#tick.stop()
  }

  stop(): void {
    this.#working.clear()
    this.#tick.stop()
  }

  #onTick(): void {
    const before = this.#totalMs
    if (this.totalMs > before) this.#onSuspended()
  }
}
