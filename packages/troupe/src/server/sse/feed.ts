/**
 * One source that many follow: it is read once, and each follower has a place in what was read lately. The memory is that
 * of the ring, however many follow and however slow they are; who falls out of it is told so.
 */
export interface Item<T> {
  /** Grows along the source; several items may share one. */
  readonly at: number
  readonly item: T
}

export type Followed<T> = Item<T> | 'lost'

const kept = 1_024

/** Somebody who follows: gone with the signal, or when it takes no more. */
class Follower {
  gone = false
  readonly #left: () => void
  readonly #signal: AbortSignal
  #wake = () => {}

  constructor(left: () => void, signal: AbortSignal) {
    this.#left = left
    this.#signal = signal
    if (signal.aborted) queueMicrotask(this.leave)
    else signal.addEventListener('abort', this.leave, { once: true })
  }

  readonly leave = () => {
    if (this.gone) return
    this.gone = true
    this.#signal.removeEventListener('abort', this.leave)
    this.#wake()
    this.#left()
  }
  wait(waiting: Set<() => void>): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        waiting.delete(this.#wake)
        resolve()
      }
      waiting.add(this.#wake)
    })
  }
}

export class Feed<T> {
  /** What lies at or before it was never read here. */
  readonly from: number
  readonly #ring: Item<T>[] = []
  /** Items that left the ring. */
  #dropped = 0
  #followers = 0
  readonly #waiting = new Set<() => void>()
  #ended = false
  #failure: unknown
  readonly #stop = new AbortController()
  readonly #onIdle: () => void

  /** @param source begins after `from`, and ends with the signal */
  constructor(from: number, source: (signal: AbortSignal) => AsyncIterable<Item<T>>, onIdle: () => void) {
    this.from = from
    this.#onIdle = onIdle
    void this.#read(source(this.#stop.signal))
  }

  /** How far the source is known to have come: it was followed from there, or read up to there. */
  get reached(): number {
    return this.#ring.at(-1)?.at ?? this.from
  }

  /** Whether everything after `from` is at hand. */
  covers(from: number): boolean {
    if (this.#ended || from < this.from) return false
    return this.#dropped === 0 || (this.#ring[0]?.at ?? Number.POSITIVE_INFINITY) <= from
  }

  /** What comes after `from`; ends with the source or the signal, with which whoever takes nothing is gone too. */
  follow(from: number, signal: AbortSignal): AsyncIterable<Followed<T>> {
    const follower = new Follower(() => this.#left(), signal)
    this.#followers++
    return this.#items(from, follower)
  }
  #left(): void {
    if (--this.#followers > 0) return
    this.#stop.abort()
    this.#onIdle()
  }

  async *#items(from: number, follower: Follower): AsyncGenerator<Followed<T>, undefined> {
    try {
      let place = this.#placeAfter(from)
      while (!follower.gone) {
        if (place < this.#dropped) {
          place = this.#dropped + this.#ring.length
          yield 'lost'
        }
        const item = this.#ring[place - this.#dropped]
        if (item) {
          place++
          yield item
        } else if (this.#failure !== undefined) throw this.#failure
        else if (this.#ended) return undefined
        else await follower.wait(this.#waiting)
      }
      return undefined
    } finally {
      follower.leave()
    }
  }

  #placeAfter(from: number): number {
    let [low, high] = [0, this.#ring.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#ring[middle] as Item<T>).at <= from) low = middle + 1
      else high = middle
    }
    return this.#dropped + low
  }

  async #read(source: AsyncIterable<Item<T>>): Promise<void> {
    try {
      for await (const item of source) {
        this.#ring.push(item)
        // In lumps: taking the first one out of an array moves all others.
        if (this.#ring.length >= 2 * kept) {
          this.#ring.splice(0, kept)
          this.#dropped += kept
        }
        this.#tell()
      }
    } catch (error) {
      this.#failure = error
    }
    this.#ended = true
    this.#onIdle()
    this.#tell()
  }
  #tell(): void {
    const woken = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of woken) wake()
  }
}
