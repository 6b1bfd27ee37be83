/**
 * What is answered at once, in microtasks, keeps timers, sockets and other threads' answers waiting for as long as somebody
 * asks again and again. After so much of it everybody who asks waits until these had their turn.
 */
import { type Clock, nextMacrotask } from './clock.ts'

export class MacrotaskQueue {
  readonly #clock: Clock
  readonly #after: number
  #spent = 0
  #turn: Promise<void> | undefined

  /** @param after how much is done in one go, in units of the caller's own */
  constructor(clock: Clock, after: number) {
    this.#clock = clock
    this.#after = after
  }

  /** Before something is done: what must be waited for first; undefined where there is time left. */
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
