/**
 * One source that many follow: it is read once, and each follower has a place in what was read lately. The memory is that
 * of the ring, however many follow and however slow they are; who falls out of it is told so.
 */
export interface FollowedItem<T> {
  /** Grows along the source; several items may share one. */
  readonly at: number
  readonly item: T
}

export type Followed<T> = FollowedItem<T> | 'lost'

const maxBuffered = 1_024

/** Somebody who follows: gone with the signal, or when it takes no more. */
class Follower {
  gone = false
  readonly #onLeave: () => void
  readonly #signal: AbortSignal
  #wake = () => {}

  constructor(onLeave: () => void, signal: AbortSignal) {
    this.#onLeave = onLeave
    this.#signal = signal
    if (signal.aborted) queueMicrotask(this.leave)
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
  /** What lies at or before it was never read here. */
  readonly from: number
  readonly #buffer: FollowedItem<T>[] = []
  /** Items that left the ring. */
  #dropped = 0
  #followers = 0
  readonly #waiting = new Set<() => void>()
  #ended = false
  #failure: unknown
  readonly #stop = new AbortController()
  readonly #onIdle: () => void

  /** @param source begins after `from`, and ends with the signal */
  constructor(from: number, source: (signal: AbortSignal) => AsyncIterable<FollowedItem<T>>, onIdle: () => void) {
    this.from = from
    this.#onIdle = onIdle
    void this.#read(source(this.#stop.signal))
  }

  /** How far the source is known to have come: it was followed from there, or read up to there. */
  get reached(): number {
    return this.#buffer.at(-1)?.at ?? this.from
  }

  /** Whether everything after `from` is at hand. */
  covers(from: number): boolean {
    if (this.#ended || from < this.from) return false
    return this.#dropped === 0 || (this.#buffer[0]?.at ?? Number.POSITIVE_INFINITY) <= from
  }

  /** What comes after `from`; ends with the source or the signal, with which whoever takes nothing is gone too. */
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
        // In lumps: taking the first one out of an array moves all others.
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
