/**
 * Bounds work that is done in microtasks. A caller that asks in a loop and is answered in microtasks blocks timers, sockets
 * and messages of threads. After a given amount of work all callers wait for a macrotask.
 */
import { type Clock, nextMacrotask } from './clock.ts'

export class MacrotaskQueue {
  readonly #clock: Clock
  readonly #after: number
  #spent = 0
  #turn: Promise<void> | undefined

  /** @param after how much work is done before a macrotask, in units of the caller */
  constructor(clock: Clock, after: number) {
    this.#clock = clock
    this.#after = after
  }

  /** The promise to await before the next work; undefined if more work may be done now. */
  get next(): Promise<void> | undefined {
    if (this.#turn || this.#spent < this.#after) return this.#turn
    this.#spent = 0
    this.#turn = nextMacrotask(this.#clock).then(() => {
      this.#turn = undefined
    })
    return this.#turn
  }

  spend(units: number): void {
    this.#spent += units
  }
}
