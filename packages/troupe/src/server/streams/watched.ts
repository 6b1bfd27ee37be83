/** Watching over a connection that may break: each event says how far its reader has come, and nothing is told twice. */

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
  const { head } = await parts.storage.feed(user, Number.MAX_SAFE_INTEGER, 1)
  const position = readHeader(header('last-event-id')) ?? (query.from ? readPosition(query.from) : { revision: head })
  // What is shared is read by whole revisions; each reader leaves out what it has seen.
  const from = wholeRevision(position)
  const options = pattern === undefined ? {} : { pattern }
  async function* source(after: number | string, ends: AbortSignal) {
    for await (const item of requestContext.context.watch({ ...options, from: after, signal: ends }))
      yield { at: item.revision, item }
  }
  // Asked for once, so that what is refused is refused before the stream begins.
  await requestContext.context
    .watch({ ...options, from, signal: AbortSignal.abort() })
    [Symbol.asyncIterator]()
    .return?.()
  const key = JSON.stringify(['watch', user, agent ?? null, pattern ?? null])
  // What is shared tells nobody that it has another past than theirs.
  const readFrom = (after: WatchPosition) => source(positionText(after), signal)
  if (position.revision > head) return frames(readFrom(position), position, readFrom)
  return frames(feeds.follow(key, from, signal, source), position, readFrom)
}

/** From a place on, told to the end of what a reader takes. */
type Reading = AsyncIterable<{ readonly item: WatchItem } | 'lost'>

/** @param readFrom a reading of its own, for whoever is too slow for what is shared */
async function* frames(
  items: Reading,
  position: WatchPosition,
  readFrom: (from: WatchPosition) => Reading,
): AsyncGenerator<Frame> {
  yield { event: 'open', id: positionText(position), data: { type: 'open', revision: position.revision } }
  const reached = yield* changeFrames(items, position)
  if (reached) yield* changeFrames(readFrom(reached), reached)
}

/** @returns how far it came, where it was too slow */
async function* changeFrames(items: Reading, from: WatchPosition): AsyncGenerator<Frame, WatchPosition | undefined> {
  let last = from
  for await (const one of items) {
    if (one === 'lost') return last
    const { item } = one
    const at = readPosition(item.position)
    // Revisions count from 1 again when a user was forgotten: a resync is never one that was seen.
    if (item.type !== 'resync' && isSeen(at, last)) continue
    yield { id: item.position, event: item.type, data: item }
    last = at
  }
  return undefined
}
