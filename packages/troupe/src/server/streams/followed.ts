/**
 * All items of a source behind a place, for one reader: out of what is shared, and where the reader is too slow for that, at
 * its own pace out of a reading of its own, until it has caught up. Nobody is sent away for being slow alone.
 */
import type { FollowedItem } from './feed.ts'
import type { Feeds } from './feeds.ts'

interface FollowedOptions<T> {
  readonly feeds: Feeds
  readonly key: string
  /** Each item of the source has a place of its own. */
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
