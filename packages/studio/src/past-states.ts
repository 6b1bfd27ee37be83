/** The states of a run at its events, each folded from a stored one before it: a move of the slider folds few events. */
import type { RunEvent } from './api/shapes.ts'
import { fold, nothingYet, type RunState } from './run-state.ts'

/** Events between two stored states. */
const every = 2_000
/** The number of stored states of a long run: each holds all steps until then. */
const maxStored = 32

export class PastStates {
  readonly #events: readonly RunEvent[]
  readonly #every: number
  /** After no event, after the first `#every` events, after twice as many, and so on. */
  readonly #stored: RunState[] = [nothingYet]

  /** @param events a list that may grow in place */
  constructor(events: readonly RunEvent[]) {
    this.#events = events
    this.#every = Math.max(every, Math.ceil(events.length / maxStored))
  }

  /** Returns the state after the event of an index. */
  at(index: number): RunState {
    const stored = Math.floor((index + 1) / this.#every)
    while (this.#stored.length <= stored) this.#store()
    return this.#fold(this.#stored[stored] ?? nothingYet, stored * this.#every, index + 1)
  }

  #store(): void {
    const end = this.#stored.length * this.#every
    this.#stored.push(this.#fold(this.#stored.at(-1) ?? nothingYet, end - this.#every, end))
  }

  #fold(before: RunState, from: number, to: number): RunState {
    return fold(before, this.#events.slice(from, to))
  }
}
