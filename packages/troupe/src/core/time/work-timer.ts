/**
 * A timer that counts the time in which this process works. It looks every second: a look that comes late by more than
 * `suspendedAfterMs` says that the process was suspended (SIGSTOP, a paused container), and nothing since the look before
 * is counted. The clocks of a run leave out the same gap, as `clock.jumped`.
 */
import type { Clock } from './clock.ts'

/** Longer than code may keep the event loop busy, shorter than a lease. */
const suspendedAfterMs = 5_000
const lookMs = 1_000

export class WorkTimer {
  readonly #clock: Clock
  readonly #onEnd: () => void
  #leftMs: number
  /** Undefined once it is stopped. */
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

  /** How many ms of work are left, at least 0. */
  get leftMs(): number {
    return Math.max(0, this.#leftMs - this.#workedMs)
  }

  stop(): void {
    this.#leftMs = this.leftMs
    this.#lookedAt = undefined
    this.#cancelLook()
  }

  /** From now on it keeps no process alive. */
  release(): void {
    if (this.#lookedAt === undefined || this.#isBackground) return
    this.stop()
    this.#isBackground = true
    this.#look()
  }

  /** Since the last look. */
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
