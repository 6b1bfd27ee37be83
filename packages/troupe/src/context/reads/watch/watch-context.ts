/**
 * Watching: every change that the reader may see, once, in the order of revisions, or `resync`. It follows the feed and
 * its hints, and does not poll. The versions before and after a change, and the subscriptions of the reader at that
 * revision, decide what the reader sees; a value is yielded only if it may still be read.
 */
import { type Clock, checkOptions, checkSignal, TimeSlice, TroupeError, whenAborted } from '../../../core/index.ts'
import type { FeedPage, FeedRow } from '../../../storage/index.ts'
import type { WatchItem, WatchOptions } from '../../context-client.ts'
import { type ContextReader, mayRead } from '../../entries/audience.ts'
import { compilePattern } from '../../entries/pattern.ts'
import type { MeshCore } from '../../mesh-core.ts'
import type { MeshServices, Watcher } from '../../mesh-services.ts'
import type { SubscriptionChange } from '../../writes/topics.ts'
import { matchKeys } from '../match-keys.ts'
import { ChangeLimitExceeded, statesOfTopics } from './topic-states.ts'
import { mayGet, type PositionedEffect, type WatchEffect, watchItemOf } from './watch-items.ts'
import { isSeen, positionText, readPosition, type WatchPosition, wholeRevision } from './watch-position.ts'
import type { ChangedVersions, WatchReads } from './watch-reads.ts'

const pageSize = 256
/** A reader that asks for the next item within this time in ms gets it as of the read of the page. */
const shortWaitMs = 1

/** The position of a reader: a revision, and its subscriptions at that revision. */
interface Position {
  revision: number
  subscribed: ReadonlySet<string>
}

export function watchContext(
  mesh: MeshServices,
  reader: ContextReader,
  options: WatchOptions,
): AsyncIterable<WatchItem> {
  checkOptions('watch', options, ['pattern', 'from', 'signal'])
  const { from, signal } = options
  const after = from === undefined ? undefined : readPosition(from)
  if (!signal?.aborted) checkSignal('watch', signal)
  const pattern = options.pattern === undefined ? undefined : compilePattern(options.pattern)
  const waiter = new Waiter(mesh.core, reader.user)
  const forget = mesh.watching(waiter)
  const stopWatching = whenAborted(signal, () => waiter.stop())
  // The position is determined at the call and not at the first `next()`.
  const start = currentPosition(mesh.core, reader)
  mesh.core.holdCommits(reader.user, start)
  const end = () => {
    waiter.stop()
    forget()
    stopWatching()
  }
  const { core, watchReads: reads } = mesh
  // The watch belongs to the current call, also where another one reads its items.
  const author = core.patterns?.sourceFor(reader.user)
  const matching =
    pattern && ((keys: readonly string[]) => waiter.unlessStopped(matchKeys(core, author, pattern, keys)))
  const isInThread = author !== undefined && pattern !== undefined && pattern.plain === undefined
  const items = follow({ core, reads, reader, matching, isInThread, waiter, end }, start, after)
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => items.next(),
      // Also before the first item, and while the generator waits for the next one.
      return() {
        end()
        return items.return(undefined)
      },
    }),
  }
}

/** Waits until a hint names a later revision. */
class Waiter implements Watcher {
  readonly user: string
  readonly #off: () => void
  readonly #clock: Clock
  #hinted = 0
  /** The number of hints for the user so far. */
  #hints = 0
  /** The revision after which it waits. If the user is erased, revisions start from 1 again. */
  #passed = 0
  #wake: (() => void) | undefined
  #onStop: (() => void) | undefined
  stopped = false
  /** True if the watch must start over. */
  over = false

  constructor(core: MeshCore, user: string) {
    this.user = user
    this.#clock = core.clock
    this.#off = core.storage.onHint((hint) => {
      if (!('missed' in hint) && (!('user' in hint) || hint.user !== user)) return
      this.#hints++
      if ('missed' in hint) this.#hinted = Number.POSITIVE_INFINITY
      else
        this.#hinted = hint.revision < this.#passed ? Number.POSITIVE_INFINITY : Math.max(this.#hinted, hint.revision)
      this.#wake?.()
    })
  }
  /** @returns a function that returns whether time has passed since, or the user has had a change */
  startOfWait(): () => boolean {
    const [hints, at] = [this.#hints, this.#clock.monotonic()]
    return () => this.#hints !== hints || this.#clock.monotonic() - at >= shortWaitMs
  }
  async beyond(revision: number): Promise<void> {
    if (this.stopped || this.#hinted > revision) {
      // A hint counts once: a hint without a change must not turn the wait into a busy loop.
      this.#hinted = 0
      return
    }
    this.#passed = revision
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    await promise
    this.#wake = undefined
  }
  /** Waits for a result, but not after the end. @returns undefined after the end */
  unlessStopped<T>(work: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#onStop = () => resolve(undefined)
      if (this.stopped) this.#onStop()
      work.then(resolve, reject)
    })
  }
  /** Starts the watch over, because the user was erased. */
  startOver(): void {
    this.over = true
    this.#hinted = Number.POSITIVE_INFINITY
    this.#wake?.()
  }
  stop(): void {
    this.stopped = true
    this.#off()
    this.#wake?.()
    this.#onStop?.()
  }
}

/** The newest revision with the subscriptions at it. */
async function currentPosition(core: MeshCore, reader: ContextReader): Promise<Position> {
  for (;;) {
    const before = reader.all ? [] : await core.subscriptions(reader)
    const { head } = await core.storage.feed(reader.user, Number.MAX_SAFE_INTEGER, 1)
    const after = reader.all ? [] : await core.subscriptions(reader)
    if (before.join('\0') === after.join('\0')) return { revision: head, subscribed: new Set(after) }
  }
}

interface Watch {
  readonly core: MeshCore
  readonly reads: WatchReads
  readonly reader: ContextReader
  /** Returns the keys that match the pattern, undefined after the end of the watch. Absent without a pattern. */
  readonly matching: ((keys: readonly string[]) => Promise<ReadonlySet<string> | undefined>) | undefined
  /** The thread of the evaluator matches the keys, which may take long. */
  readonly isInThread: boolean
  readonly waiter: Waiter
  readonly end: () => void
}

async function* follow(
  watch: Watch,
  start: Promise<Position>,
  from: WatchPosition | undefined,
): AsyncGenerator<WatchItem, undefined> {
  const { core, reads, reader, waiter, end } = watch
  try {
    let position = await start
    const complete = from && wholeRevision(from)
    let seen = from
    if (from && complete !== undefined && (from.revision > position.revision || complete !== position.revision)) {
      // A position after the head belongs to a user that was erased since, or to a database before it was restored.
      const earlier = from.revision <= position.revision && (await rewind(core, reader, position, complete))
      if (earlier) position = earlier
      else {
        seen = undefined
        yield resyncAt(position.revision)
      }
    }
    while (!waiter.stopped) {
      const page = await reads.page(reader.user, position.revision)
      // The position is after the head, because the user was erased.
      if (waiter.over || position.revision < page.horizon || position.revision > page.head) {
        waiter.over = false
        // Revisions count from 1 again.
        seen = undefined
        position = await currentPosition(core, reader)
        yield resyncAt(position.revision)
      } else if (page.items.length === 0) await waiter.beyond(position.revision)
      else {
        const items = (await interpret(watch, page, position).catch(nothingLeft)) ?? ['unknown' as const]
        let isStale = false
        for (const found of items) {
          if (waiter.stopped) return undefined
          // The user was erased, and what is left of the page with it.
          if (waiter.over) break
          if (found !== 'unknown' && seen && isSeen(found.at, seen)) continue
          const made = found === 'unknown' ? found : watchItemOf(core, reader, found, isStale)
          const item = made instanceof Promise ? await made.catch(unknownNow) : made
          if (item === 'unknown') {
            position = await currentPosition(core, reader)
            yield resyncAt(position.revision)
            break
          }
          if (!item) continue
          const hasWaited = waiter.startOfWait()
          yield item
          isStale ||= hasWaited()
        }
      }
    }
    return undefined
  } finally {
    end()
  }
}

const resyncAt = (revision: number): WatchItem => ({
  type: 'resync',
  revision,
  position: positionText({ revision }),
})

/**
 * The user was erased since the page was read, by any process: its values cannot be decrypted any more, and are deleted
 * soon.
 */
function nothingLeft(error: unknown): undefined {
  if (!(error instanceof TroupeError) || error.code !== 'user.forgotten') throw error
}

const unknownNow = (error: unknown) => nothingLeft(error) ?? ('unknown' as const)

const changeOf = (item: FeedRow, reader: ContextReader): SubscriptionChange | undefined => {
  if (item.kind !== 'subscription' || reader.all) return undefined
  const change = JSON.parse(item.data) as SubscriptionChange
  return change.agents.includes(reader.agent) ? change : undefined
}

/** Returns the position at an earlier revision; undefined if the feed no longer has it. */
async function rewind(
  core: MeshCore,
  reader: ContextReader,
  position: Position,
  to: number,
): Promise<Position | undefined> {
  const changes: SubscriptionChange[] = []
  for (let at = to; at < position.revision; ) {
    const page: FeedPage = await core.storage.feed(reader.user, at, pageSize)
    if (at < page.horizon) return undefined
    for (const item of page.items) {
      const change = item.revision <= position.revision ? changeOf(item, reader) : undefined
      if (change) changes.push(change)
    }
    const last = page.items.at(-1)
    if (!last) break
    at = last.revision
  }
  const subscribed = new Set(position.subscribed)
  for (const { added = [], removed = [] } of changes.reverse()) {
    for (const grantee of added) subscribed.delete(grantee)
    for (const grantee of removed) subscribed.add(grantee)
  }
  return { revision: to, subscribed }
}

/** Moves the position over the page. @returns undefined if the versions that it needs are not stored any more */
async function interpret(watch: Watch, page: FeedPage, position: Position): Promise<PositionedEffect[] | undefined> {
  const { core, reads, reader, matching, isInThread, waiter } = watch
  const matched =
    matching && (await matching(page.items.flatMap(({ kind, key }) => (kind === 'subscription' ? [] : key))))
  if (waiter.stopped) return []
  const versions = await reads.versions(reader.user, page)
  // The right to read may have ended while the thread matched the keys.
  const entitled = await (isInThread ? reads.entitledNow(reader) : reads.entitled(reader, page))
  const items: PositionedEffect[] = []
  // A page wakes all readers of a user at once.
  const slice = new TimeSlice(core.clock)
  for (const item of page.items) {
    if (slice.isOver) await slice.renew()
    const at = { revision: item.revision, ordinal: item.ordinal }
    position.revision = item.revision
    if (item.kind === 'subscription') {
      const change = changeOf(item, reader)
      const effects = change ? await effectsOf(watch, page, item, change, position) : []
      if (!effects) return undefined
      items.push(...effects)
    } else if (matched?.has(item.key) ?? true) {
      const effect = effectOf(reader, item, versions, position.subscribed, entitled)
      if (effect === 'unknown') return undefined
      if (effect) items.push({ at, effect })
    }
  }
  return items
}

function effectOf(
  reader: ContextReader,
  item: FeedRow,
  versions: ChangedVersions,
  subscribed: ReadonlySet<string>,
  entitled: ReadonlySet<string>,
): WatchEffect | 'unknown' | undefined {
  const { key } = item
  const before = versions.ended(item.data)
  const saw = before !== undefined && mayRead(before, reader, subscribed)
  if (item.kind === 'removed' || item.kind === 'expired') {
    if (!before) return 'unknown'
    const type = item.kind === 'expired' || before.ended === 'expired' ? 'expired' : 'removed'
    return saw ? { type, key, version: before.version } : undefined
  }
  const after = versions.made(item.data)
  if (!after) return 'unknown'
  if (!mayRead(after, reader, subscribed))
    return saw ? { type: before.ended === 'expired' ? 'expired' : 'left', key, version: before.version } : undefined
  // The entry had expired already; the cleanup reports that.
  if (item.kind === 'audience' && before?.ended === 'expired') return undefined
  return mayGet(after, versions.current(key), reader, entitled) ? { type: 'put', row: after } : undefined
}

/** Returns what a change of the reader's subscriptions adds to its view, and removes from it. */
async function effectsOf(
  { core, reads, reader, matching, isInThread }: Watch,
  page: FeedPage,
  item: FeedRow,
  { added = [], removed = [] }: SubscriptionChange,
  position: Position,
): Promise<PositionedEffect[] | undefined> {
  const before = position.subscribed
  const after = new Set(before)
  for (const grantee of added) after.add(grantee)
  for (const grantee of removed) after.delete(grantee)
  position.subscribed = after
  try {
    const states = await statesOfTopics(core, reader.user, [...added, ...removed], item.revision)
    const matched = matching && (await matching(states.map(({ key }) => key)))
    const entitled = await (isInThread ? reads.entitledNow(reader) : reads.entitled(reader, page))
    const items: PositionedEffect[] = []
    for (const [index, row] of states.entries()) {
      if (matched && !matched.has(row.key)) continue
      const at = { revision: item.revision, ordinal: item.ordinal, index }
      const [saw, sees] = [mayRead(row, reader, before), mayRead(row, reader, after)]
      const isLive = row.expiresAt === null || row.expiresAt > item.at
      if (!saw && sees && isLive && mayRead(row, reader, entitled))
        items.push({ at, effect: { type: 'put', row }, isUnchecked: 'endedChange' in row })
      else if (saw && !sees) items.push({ at, effect: { type: 'left', key: row.key, version: row.version } })
    }
    return items
  } catch (error) {
    if (error instanceof ChangeLimitExceeded) return undefined
    throw error
  }
}
