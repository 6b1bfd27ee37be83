/**
 * A set of listeners. An error that a listener throws is reported as an uncaught error; the notifying code does not see
 * it.
 */
export class Listeners<Value> {
  readonly #all = new Set<(value: Value) => void>()

  /** @returns a function that removes the listener; a listener added twice is called twice */
  on(listener: (value: Value) => void): () => void {
    const own = (value: Value) => listener(value)
    this.#all.add(own)
    return () => void this.#all.delete(own)
  }

  notify(value: Value): void {
    for (const listener of this.#all)
      try {
        listener(value)
      } catch (error) {
        void Promise.reject(error)
      }
  }

  clear(): void {
    this.#all.clear()
  }
}
