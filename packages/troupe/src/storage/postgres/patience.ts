/**
 * Waiting for a server: by the machine's timers, whatever the clock of the storage says, for the server does not follow a
 * clock that is moved by hand.
 */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/** Begins at the first question. */
export class Patience {
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
