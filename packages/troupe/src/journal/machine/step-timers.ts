/** The clock of a step: its macrotask, and the times after which it stops waiting. Each ends in a trigger. */
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

  /** Asks for one macrotask, unless one is on its way. */
  tick(): void {
    this.#tick ??= this.#clock.soon(() => {
      this.#tick = undefined
      this.#dispatch({ on: 'tick' })
    })
  }

  /** A step has one of these at a time: a later one takes the place of an earlier one. */
  wait(timer: 'deadline' | 'backoff', ms: number): void {
    this.#wait?.()
    this.#wait = this.#clock.after(ms, () => this.#dispatch({ on: 'timer', timer }))
  }

  /**
   * Code that never makes the next call of the record while it waits for another is different code. The process stays
   * alive until that is known, since a program may wait for the run alone.
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

  /** Nothing of it runs any more. */
  stop(): void {
    this.#tick?.()
    this.#wait?.()
    this.watch(undefined, 0)
  }
}
