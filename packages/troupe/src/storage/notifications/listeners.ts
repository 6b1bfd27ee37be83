/** Those who want to be told. What one of them throws is a defect of its own: seen, but not by whoever tells. */
export class Listeners<Value> {
  readonly #all = new Set<(value: Value) => void>()

  /** @returns a function that ends it; a listener given twice is told twice */
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
        queueMicrotask(() => {
          throw error
        })
      }
  }

  clear(): void {
    this.#all.clear()
  }
}
