/** A long value is written as text in later macrotasks. Meanwhile, later writes of the same client wait for their turn. */
export class LongWrites {
  #last: Promise<void> | undefined

  /** Resolves when the writes of long values that were called before have begun; undefined if all have. */
  get begun(): Promise<void> | undefined {
    return this.#last
  }

  /** @returns a function to call when the write has begun or failed */
  add(): () => void {
    const before = this.#last
    const { promise, resolve } = Promise.withResolvers<void>()
    const all = (before ?? Promise.resolve()).then(() => promise)
    this.#last = all
    void all.then(() => {
      if (this.#last === all) this.#last = undefined
    })
    return resolve
  }
}
