/**
 * Waiting for a server: by the machine's timers, whatever the clock of the storage says, for the server does not follow a
 * clock that is moved by hand.
 */
import type { Random } from '../../../core/index.ts'

export const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/**
 * Doubles with each attempt, and is drawn from half to one and a half of that, so that many who lost one server do not come
 * back at once.
 */
export const backoffMs = (attempt: number, { first, last }: { first: number; last: number }, random: Random): number =>
  Math.min(first * 2 ** attempt, last) * (0.5 + random.next())

/** Begins at the first question. */
export class Deadline {
  readonly #ms: number
  #over = false
  #begun = false

  constructor(ms: number) {
    this.#ms = ms
  }

  isOver(): boolean {
    if (!this.#begun) {
      this.#begun = true
      setTimeout(() => {
        this.#over = true
      }, this.#ms).unref()
    }
    return this.#over
  }
}
