/** The macrotask and the timers of a step. Each ends in a trigger. */
import { type Cancel, type Clock, WorkTimer } from '../../core/index.ts'
import type { CallId } from '../replay/call-id.ts'
import type { TriggerOf } from './trigger.ts'

type TimerTrigger = TriggerOf<'tick'> | TriggerOf<'timer'>

export class StepTimers {
  readonly #clock: Clock
  readonly #dispatch: (trigger: TimerTrigger) => void
  #tick: Cancel | undefined
  #wait: Cancel | undefined
  #stall: { readonly missing: CallId; readonly timer: WorkTimer } | undefined

  constructor(clock: Clock, dispatch: (trigger: TimerTrigger) => void) {
    this.#clock = clock
    this.#dispatch = dispatch
  }

  /** Schedules a macrotask, unless one is scheduled. */
  tick(): void {
    this.#tick ??= this.#clock.soon(() => {
      this.#tick = undefined
      this.#dispatch({ on: 'tick' })
    })
  }

  /** Starts a timer. It replaces the earlier one. */
  wait(timer: 'deadline' | 'backoff', ms: number): void {
    this.#wait?.()
    this.#wait = this.#clock.after(ms, () => this.#dispatch({ on: 'timer', timer }))
  }

  /**
   * Starts a timer while the code has not made the next call of the record and waits for another one. Code that does not
   * make it in time has changed. The timer keeps the process alive, since a program may wait for the run only.
   * @param missing the next call of the record; undefined stops the timer
   */
  watch(missing: CallId | undefined, stallMs: number): void {
    if (missing === this.#stall?.missing) return
    this.#stall?.timer.stop()
    this.#stall = undefined
    if (missing === undefined) return
    const timer = new WorkTimer(this.#clock, stallMs, () => {
      this.#stall = undefined
      this.#dispatch({ on: 'timer', timer: 'stall' })
    })
    this.#stall = { missing, timer }
  }

  /** Stops the macrotask and all timers. */
  stop(): void {
    this.#tick?.()
    this.#wait?.()
    this.watch(undefined, 0)
  }
}
