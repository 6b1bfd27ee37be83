/** A queue that takes the first item of each source before the second item of any source. Each source has a separate limit. */
export class FairQueue<Item> {
  /** The items of each source, in the order of the next turns. A source without items has no list. */
  readonly #bySource = new Map<string, Item[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  sizeOf(source: string): number {
    return this.#bySource.get(source)?.length ?? 0
  }

  push(source: string, item: Item): void {
    const own = this.#bySource.get(source)
    if (own) own.push(item)
    else this.#bySource.set(source, [item])
    this.#size++
  }

  /** Removes and returns the next item; undefined if none waits. The turn of its source is then the last one. */
  shift(): Item | undefined {
    const [first] = this.#bySource.entries().take(1)
    if (!first) return undefined
    const [source, own] = first
    const item = own.shift()
    this.#bySource.delete(source)
    if (own.length > 0) this.#bySource.set(source, own)
    this.#size--
    return item
  }
}
