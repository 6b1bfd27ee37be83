/** The scheduled events, ordered by time, then by a hash of the seed, then by the order of scheduling. */

export interface SimulatedEvent {
  /** The simulated time in ms; later if its node is frozen. Changed only while the event is not in the heap. */
  time: number
  /**
   * The order of nodes at equal times. It is equal for all events of one node at one time, so that they keep their
   * order.
   */
  readonly rank: number
  readonly sequence: number
  readonly node: string
  readonly incarnation: number
  readonly label: string
  readonly run: () => void
  cancelled: boolean
}

export class EventHeap {
  readonly #items: SimulatedEvent[] = []

  get size(): number {
    return this.#items.length
  }

  push(event: SimulatedEvent): void {
    const items = this.#items
    let at = items.push(event) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(event, items[parent] as SimulatedEvent)) break
      items[at] = items[parent] as SimulatedEvent
      at = parent
    }
    items[at] = event
  }

  pop(): SimulatedEvent | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (!last || !first || items.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= items.length) break
      if (child + 1 < items.length && before(items[child + 1] as SimulatedEvent, items[child] as SimulatedEvent))
        child++
      if (!before(items[child] as SimulatedEvent, last)) break
      items[at] = items[child] as SimulatedEvent
      at = child
    }
    items[at] = last
    return first
  }

  clear(): void {
    this.#items.length = 0
  }
}

const before = (a: SimulatedEvent, b: SimulatedEvent): boolean =>
  a.time < b.time || (a.time === b.time && (a.rank < b.rank || (a.rank === b.rank && a.sequence < b.sequence)))
