/** Watching over a connection that may break: each event says how far its reader has come, and nothing is told twice. */

import type { WatchItem } from '../../context/index.ts'
import { failure, hashText } from '../../core/index.ts'
import type { Call } from '../route.ts'
import type { Frame } from '../streams/frame.ts'

/** A revision, and where not all of it was told the key up to which it was. */
interface StreamPosition {
  readonly revision: number
  readonly mark?: string
}

/** Where a reading for who is there begins. */
const startRevision = ({ revision, mark }: StreamPosition): number => (mark === undefined ? revision : revision - 1)

const markOf = (key: string) => hashText(key).slice(0, 12)

function positionOf(lastEventId: string | undefined): StreamPosition | undefined {
  if (lastEventId === undefined || lastEventId === '') return undefined
  const found = /^(\d{1,15})(?:\.([0-9a-f]{12}))?$/.exec(lastEventId)
  if (!found) throw failure('request.invalid', { problem: 'Last-Event-ID is none of this stream' })
  const [, revision, mark] = found
  return { revision: Number(revision), ...(mark === undefined ? {} : { mark }) }
}

export async function watched(
  call: Call<unknown, { pattern?: string | undefined; from?: number | undefined }, unknown>,
): Promise<AsyncIterable<Frame>> {
  const { feeds, user, agent, requestContext, parts, query, signal, header } = call
  const { pattern } = query
  const { head } = await parts.storage.feed(user, Number.MAX_SAFE_INTEGER, 1)
  const position = positionOf(header('last-event-id')) ?? { revision: query.from ?? head }
  const from = startRevision(position)
  const options = pattern === undefined ? {} : { pattern }
  async function* source(after: number, ends: AbortSignal) {
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
  const readFrom = (after: number) => source(after, signal)
  if (position.revision > head) return frames(readFrom(position.revision), { revision: position.revision }, readFrom)
  return frames(feeds.follow(key, from, signal, source), position, readFrom)
}

/** From a place on, told to the end of what a reader takes. */
type Reading = AsyncIterable<{ readonly item: WatchItem } | 'lost'>

/** @param readFrom a reading of its own, for whoever is too slow for what is shared */
async function* frames(
  items: Reading,
  position: StreamPosition,
  readFrom: (from: number) => Reading,
): AsyncGenerator<Frame> {
  const { revision, mark } = position
  yield { event: 'open', ...(mark === undefined ? { id: String(revision) } : {}), data: { revision } }
  const reached = yield* changeFrames(items, position)
  if (reached) yield* changeFrames(readFrom(startRevision(reached)), reached)
}

/** @returns how far it came, where it was too slow */
async function* changeFrames(
  items: Reading,
  { revision, mark }: StreamPosition,
): AsyncGenerator<Frame, StreamPosition | undefined> {
  /** Of the revision that was not told whole. */
  let buffered: WatchItem[] | undefined = mark === undefined ? undefined : []
  let last: StreamPosition = { revision, ...(mark === undefined ? {} : { mark }) }
  for await (const one of items) {
    if (one === 'lost') return last
    const { item } = one
    if (buffered && item.revision === revision && 'key' in item) {
      if (markOf(item.key) === mark) buffered = undefined
      else buffered.push(item)
      continue
    }
    // What was told last is not to be seen any more: what stood beside it is told again.
    for (const earlier of buffered ?? []) yield frameOf(earlier)
    buffered = undefined
    yield frameOf(item)
    last = { revision: item.revision, ...('key' in item ? { mark: markOf(item.key) } : {}) }
  }
  return undefined
}

const frameOf = (item: WatchItem): Frame => ({
  id: 'key' in item ? `${item.revision}.${markOf(item.key)}` : String(item.revision),
  event: item.type,
  data: item,
})
