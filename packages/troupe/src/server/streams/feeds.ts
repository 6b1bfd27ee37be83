/** The sources with followers, each read once for all of them. */
import { Feed, type Followed, type FollowedItem } from './feed.ts'

export class Feeds {
  readonly #feeds = new Map<string, Feed<unknown>>()

  /** Returns whether the source is known to have reached the position. */
  reaches(key: string, at: number): boolean {
    return (this.#feeds.get(key)?.reached ?? -1) >= at
  }

  /** Returns whether the source has followers and all items after `at` are in its ring. */
  covers(key: string, at: number): boolean {
    return this.#feeds.get(key)?.covers(at) ?? false
  }

  /**
   * @param key identifies the source; each of its followers may read all of it
   * @param source a separate reading for a follower that asks for items which the shared ring does not hold any more
   */
  follow<T>(
    key: string,
    from: number,
    signal: AbortSignal,
    source: (from: number, signal: AbortSignal) => AsyncIterable<FollowedItem<T>>,
  ): AsyncIterable<Followed<T>> {
    const known = this.#feeds.get(key) as Feed<T> | undefined
    if (known?.covers(from)) return known.follow(from, signal)
    if (known) return source(from, signal)
    const feed: Feed<T> = new Feed<T>(
      from,
      (ends) => source(from, ends),
      () => {
        if (this.#feeds.get(key) === feed) this.#feeds.delete(key)
      },
    )
    this.#feeds.set(key, feed)
    return feed.follow(from, signal)
  }
}
