/**
 * A timer that counts the time in which this process runs. It checks every second. If a check is late by more than
 * `suspendedAfterMs`, the process was suspended (SIGSTOP, a paused container), and the time since the check before is not
 * counted. The clocks of a run omit the same gap, as `clock.jumped`.
 */
import type { Clock } from './clock.ts'

/** Longer than code may block the event loop, and shorter than a lease. */
const suspendedAfterMs = 5_000
const lookMs = 1_000

export class WorkTimer {
  readonly #clock: Clock
  readonly #onEnd: () => void
  #leftMs: number
  /** Undefined after the timer is stopped. */
  #lookedAt: number | undefined
  #cancelLook = () => {}
  #isBackground = false

  /** @param onEnd called once, after `ms` of work */
  constructor(clock: Clock, ms: number, onEnd: () => void) {
    this.#clock = clock
    this.#onEnd = onEnd
    this.#leftMs = ms
    this.#look()
  }

  /** Returns the remaining ms, at least 0. */
  get leftMs(): number {
    return Math.max(0, this.#leftMs - this.#workedMs)
  }

  stop(): void {
    this.#leftMs = this.leftMs
    this.#lookedAt = undefined
    this.#cancelLook()
  }

  /** From now on the timer does not keep the process alive. */
  release(): void {
    if (this.#lookedAt === undefined || this.#isBackground) return
    this.stop()
    this.#isBackground = true
    this.#look()
  }

  /** The time since the last check. */
  get #workedMs(): number {
    const ms = this.#lookedAt === undefined ? 0 : this.#clock.monotonic() - this.#lookedAt
    return ms > lookMs + suspendedAfterMs ? 0 : ms
  }

  #look(): void {
    this.#lookedAt = this.#clock.monotonic()
    const onLook = () => {
      this.#leftMs = this.leftMs
      if (this.#leftMs > 0) return this.#look()
      this.#lookedAt = undefined
      this.#onEnd()
    }
    this.#cancelLook = this.#clock.after(Math.min(this.#leftMs, lookMs), onLook, { background: this.#isBackground })
  }
}
