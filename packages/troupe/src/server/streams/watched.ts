/** Watches the context over a connection that may break. Each event has its position, and no change is sent twice. */

import {
  isSeen,
  positionText,
  readPosition,
  type WatchItem,
  type WatchPosition,
  wholeRevision,
} from '../../context/index.ts'
import { failure } from '../../core/index.ts'
import type { Call } from '../route.ts'
import type { Frame } from './frame.ts'

const readHeader = (lastEventId: string | undefined): WatchPosition | undefined => {
  if (lastEventId === undefined || lastEventId === '') return undefined
  try {
    return readPosition(lastEventId)
  } catch (cause) {
    throw failure('request.invalid', { problem: 'Last-Event-ID is none of this stream' }, { cause })
  }
}

export async function watched(
  call: Call<unknown, { pattern?: string | undefined; from?: string | undefined }, unknown>,
): Promise<AsyncIterable<Frame>> {
  const { feeds, user, agent, requestContext, parts, query, signal, header } = call
  const { pattern } = query
  const { head } = await parts.stores.storage.feed(user, Number.MAX_SAFE_INTEGER, 1)
  const position = readHeader(header('last-event-id')) ?? (query.from ? readPosition(query.from) : { revision: head })
  // The shared source is read by complete revisions. Each reader skips the changes that it has seen.
  const from = wholeRevision(position)
  const options = pattern === undefined ? {} : { pattern }
  async function* source(after: number | string, ends: AbortSignal) {
    for await (const item of requestContext.context.watch({ ...options, from: after, signal: ends }))
      yield { at: item.revision, item }
  }
  // Read once before the stream begins, so that a rejection is answered as a problem.
  await requestContext.context
    .watch({ ...options, from, signal: AbortSignal.abort() })
    [Symbol.asyncIterator]()
    .return?.()
  const key = JSON.stringify(['watch', user, agent ?? null, pattern ?? null])
  // A position beyond the head belongs to an erased history. Only a separate reading reports this as a resync.
  const readFrom = (after: WatchPosition) => source(positionText(after), signal)
  if (position.revision > head) return frames(readFrom(position), position, readFrom)
  return frames(feeds.follow(key, from, signal, source), position, readFrom)
}

/** Yields the changes after a position until the reader stops. */
type Reading = AsyncIterable<{ readonly item: WatchItem } | 'lost'>

/** @param readFrom starts a separate reading for a reader that is too slow for the shared source */
async function* frames(
  items: Reading,
  position: WatchPosition,
  readFrom: (from: WatchPosition) => Reading,
): AsyncGenerator<Frame> {
  yield { event: 'open', id: positionText(position), data: { type: 'open', revision: position.revision } }
  const reached = yield* changeFrames(items, position)
  if (reached) yield* changeFrames(readFrom(reached), reached)
}

/** @returns the reached position if the reader was too slow */
async function* changeFrames(items: Reading, from: WatchPosition): AsyncGenerator<Frame, WatchPosition | undefined> {
  let last = from
  for await (const one of items) {
    if (one === 'lost') return last
    const { item } = one
    const at = readPosition(item.position)
    // Revisions restart at 1 after a user was erased, so a resync is always sent.
    if (item.type !== 'resync' && isSeen(at, last)) continue
    yield { id: item.position, event: item.type, data: item }
    last = at
  }
  return undefined
}
