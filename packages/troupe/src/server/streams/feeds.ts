/** The sources that are followed now, each read once for all who follow it. */
import { Feed, type Followed, type FollowedItem } from './feed.ts'

export class Feeds {
  readonly #feeds = new Map<string, Feed<unknown>>()

  /** Whether the source is known to have come so far. */
  reaches(key: string, at: number): boolean {
    return (this.#feeds.get(key)?.reached ?? -1) >= at
  }

  /** Whether somebody follows the source now, and everything after `at` is at hand. */
  covers(key: string, at: number): boolean {
    return this.#feeds.get(key)?.covers(at) ?? false
  }

  /**
   * @param key of the source: whoever follows it may see all of it
   * @param source of its own for a follower who asks for what the shared one does not hold any more
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
