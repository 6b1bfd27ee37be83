/**
 * A source with many followers. The source is read once into a ring buffer, and each follower has a position in it. Memory
 * is bounded by the ring, regardless of the number and speed of followers. A follower that falls behind the ring gets an
 * item that reports it.
 */
export interface FollowedItem<T> {
  /** The position of an item: it grows along the source, and several items may share one. */
  readonly at: number
  readonly item: T
}

export type Followed<T> = FollowedItem<T> | 'lost'

const maxBuffered = 1_024

/** A follower. It leaves when its signal aborts or when it stops reading. */
class Follower {
  gone = false
  readonly #onLeave: () => void
  readonly #signal: AbortSignal
  #wake = () => {}

  constructor(onLeave: () => void, signal: AbortSignal) {
    this.#onLeave = onLeave
    this.#signal = signal
    if (signal.aborted) void Promise.resolve().then(this.leave)
    else signal.addEventListener('abort', this.leave, { once: true })
  }

  readonly leave = () => {
    if (this.gone) return
    this.gone = true
    this.#signal.removeEventListener('abort', this.leave)
    this.#wake()
    this.#onLeave()
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
  /** Items at or before this position were not read here. */
  readonly from: number
  readonly #buffer: FollowedItem<T>[] = []
  /** The number of items that were removed from the ring. */
  #dropped = 0
  #followers = 0
  readonly #waiting = new Set<() => void>()
  #ended = false
  #failure: unknown
  readonly #stop = new AbortController()
  readonly #onIdle: () => void

  /** @param source begins after `from` and ends when the signal aborts */
  constructor(from: number, source: (signal: AbortSignal) => AsyncIterable<FollowedItem<T>>, onIdle: () => void) {
    this.from = from
    this.#onIdle = onIdle
    void this.#read(source(this.#stop.signal))
  }

  /** The newest known position of the source. */
  get reached(): number {
    return this.#buffer.at(-1)?.at ?? this.from
  }

  /** Returns whether all items after `from` are in the ring. */
  covers(from: number): boolean {
    if (this.#ended || from < this.from) return false
    return this.#dropped === 0 || (this.#buffer[0]?.at ?? Number.POSITIVE_INFINITY) <= from
  }

  /**
   * Yields the items after `from`. Ends with the source or the signal; the signal also removes a follower that does not
   * read.
   */
  follow(from: number, signal: AbortSignal): AsyncIterable<Followed<T>> {
    const follower = new Follower(() => this.#onLeave(), signal)
    this.#followers++
    return this.#items(from, follower)
  }
  #onLeave(): void {
    if (--this.#followers > 0) return
    this.#stop.abort()
    this.#onIdle()
  }

  async *#items(from: number, follower: Follower): AsyncGenerator<Followed<T>, undefined> {
    try {
      let index = this.#indexAfter(from)
      while (!follower.gone) {
        if (index < this.#dropped) {
          index = this.#dropped + this.#buffer.length
          yield 'lost'
        }
        const item = this.#buffer[index - this.#dropped]
        if (item) {
          index++
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

  #indexAfter(from: number): number {
    let [low, high] = [0, this.#buffer.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#buffer[middle] as FollowedItem<T>).at <= from) low = middle + 1
      else high = middle
    }
    return this.#dropped + low
  }

  async #read(source: AsyncIterable<FollowedItem<T>>): Promise<void> {
    try {
      for await (const item of source) {
        this.#buffer.push(item)
        // Removed in groups, since removing the first item of an array moves all others.
        if (this.#buffer.length >= 2 * maxBuffered) {
          this.#buffer.splice(0, maxBuffered)
          this.#dropped += maxBuffered
        }
        this.#notify()
      }
    } catch (error) {
      this.#failure = error
    }
    this.#ended = true
    this.#onIdle()
    this.#notify()
  }
  #notify(): void {
    const woken = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of woken) wake()
  }
}
