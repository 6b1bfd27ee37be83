/**
 * Yields all items of a source after a position for one reader. They come from the shared ring. A reader that is too slow for
 * the ring gets its own reading of the source until it has caught up, so that a slow reader is not disconnected.
 */
import type { FollowedItem } from './feed.ts'
import type { Feeds } from './feeds.ts'

interface FollowedOptions<T> {
  readonly feeds: Feeds
  readonly key: string
  /** Each item of the source has its own position. */
  readonly from: number
  readonly signal: AbortSignal
  readonly source: (from: number, signal: AbortSignal) => AsyncIterable<FollowedItem<T>>
}

export async function* followed<T>({ feeds, key, from, signal, source }: FollowedOptions<T>): AsyncGenerator<T> {
  let at = from
  let isFollowing = true
  while (isFollowing) {
    isFollowing = false
    for await (const one of feeds.follow(key, at, signal, source)) {
      if (one === 'lost') {
        isFollowing = true
        break
      }
      at = one.at
      yield one.item
    }
    if (!isFollowing) return
    isFollowing = false
    for await (const one of source(at, signal)) {
      at = one.at
      yield one.item
      isFollowing = feeds.covers(key, at)
      if (isFollowing) break
    }
  }
}
