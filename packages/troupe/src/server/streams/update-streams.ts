/**
 * Streams of updates. A user has one source, and one more for operators that follow all users as well. A source is read once
 * for all of its streams, and for a minute after the last of them ended, so that a reader whose connection broke misses
 * nothing. Each reader is sent what its rights cover.
 */
import type { Cancel, Clock, Ids } from '../../core/index.ts'
import { failure } from '../../core/index.ts'
import type { HealthMonitor } from '../../observability/index.ts'
import type { ListUpdate, Updates } from '../../operations/index.ts'
import { coversOperation, type Operation } from '../../security/index.ts'
import type { RequestPrincipal } from '../access/request-principal.ts'
import type { Feeds } from './feeds.ts'
import type { Frame } from './frame.ts'
import { HealthWatch } from './health-watch.ts'

/** How long a source is read after its last reader has left. */
const lingerMs = 60_000
/** The maximal number of sources that are read. Beyond it, sources without readers end, the oldest first. */
const maxSources = 1_000

interface Source {
  /** The part of frame ids that identifies the source. A reader that returns to another source has missed changes. */
  readonly name: string
  /** The number of the newest batch. */
  newest: number
  readers: number
  readonly ends: AbortController
  stopLingering: Cancel | undefined
}

interface UpdateStreamsParts {
  readonly clock: Clock
  readonly ids: Ids
  readonly updates: Pick<Updates, 'watch' | 'healthChanged'>
  readonly health: Pick<HealthMonitor, 'report'>
}

interface FollowOptions {
  readonly feeds: Feeds
  readonly user: string
  /** Adds notices about the runs of all users; the caller has the right to them. */
  readonly allUsers: boolean
  readonly principal: Pick<RequestPrincipal, 'operations'>
  readonly lastEventId: string | undefined
  readonly signal: AbortSignal
}

/** Changes of a list that the caller may not read are omitted. */
const operationOf: Readonly<Record<ListUpdate['kind'], Operation>> = {
  run: 'runs.read',
  question: 'runs.read',
  schedule: 'schedules.read',
  'dead-letters': 'messages.read',
  context: 'context.read',
  approvals: 'approvals.list',
  'all-approvals': 'approvals.list',
  'all-runs': 'runs.read',
  health: 'metrics.read',
}

/** The user of a source, and whether it has the notices about all users. */
type Watched = Pick<FollowOptions, 'user' | 'allUsers'>

export class UpdateStreams {
  readonly #parts: UpdateStreamsParts
  readonly #health: HealthWatch
  /** By the key of the feed. */
  readonly #sources = new Map<string, Source>()

  /** @param draining aborts when the server closes */
  constructor(parts: UpdateStreamsParts, draining: AbortSignal) {
    const { clock, health, updates } = parts
    this.#parts = parts
    this.#health = new HealthWatch({ clock, health, changed: () => updates.healthChanged() })
    draining.addEventListener('abort', () => {
      for (const key of [...this.#sources.keys()]) this.#end(key)
    })
  }

  /**
   * Returns the frames for one reader: `open` first, then `changes`, and `resync` if changes were missed.
   * @throws ValidationError `request.invalid` for a Last-Event-ID of another stream
   */
  follow(options: FollowOptions): AsyncIterable<Frame> {
    return this.#frames(options, readId(options.lastEventId))
  }

  /** Follows the source once the first frame is requested, so that a rejected stream uses no resources. */
  async *#frames(options: FollowOptions, last: Position | undefined): AsyncGenerator<Frame> {
    const { feeds, principal, signal } = options
    const source = this.#open(feeds, options)
    const key = keyOf(options)
    const isResumed = last?.source === source.name && last.at <= source.newest && feeds.covers(key, last.at)
    const from = isResumed ? last.at : source.newest
    source.readers++
    source.stopLingering?.()
    const seesHealth = options.allUsers && isCovered(principal, { kind: 'health' })
    const stopHealth = seesHealth ? this.#health.follow() : undefined
    try {
      yield frameOf(source, from, 'open')
      if (last !== undefined && !isResumed) yield frameOf(source, from, 'resync')
      for await (const batch of feeds.follow(key, from, signal, (_, ends) => this.#batches(options, source, ends))) {
        // The reader is too slow for the buffer and continues with the newest batch.
        if (batch === 'lost') yield frameOf(source, source.newest, 'resync')
        else if (batch.item === 'resync') yield frameOf(source, batch.at, 'resync')
        else {
          const updates = batch.item.filter((update) => isCovered(principal, update))
          if (updates.length > 0) yield frameOf(source, batch.at, 'changes', updates)
        }
      }
    } finally {
      stopHealth?.()
      this.#leave(key, source)
    }
  }

  #open(feeds: Feeds, watched: Watched): Source {
    const key = keyOf(watched)
    const known = this.#sources.get(key)
    if (known) return known
    const idle = [...this.#sources].find(([, { readers }]) => readers === 0)
    if (this.#sources.size >= maxSources && idle) this.#end(idle[0])
    const ends = new AbortController()
    const name = this.#parts.ids.next()
    const source: Source = { name, newest: 0, readers: 0, ends, stopLingering: undefined }
    this.#sources.set(key, source)
    // Reads the source also while it has no reader.
    feeds.follow(key, 0, ends.signal, (_, stop) => this.#batches(watched, source, stop))
    return source
  }

  async *#batches({ user, allUsers }: Watched, source: Source, signal: AbortSignal) {
    for await (const item of this.#parts.updates.watch(user, signal, { allUsers })) yield { at: ++source.newest, item }
  }

  #leave(key: string, source: Source): void {
    if (--source.readers > 0) return
    const end = () => this.#sources.get(key) === source && this.#end(key)
    source.stopLingering = this.#parts.clock.after(lingerMs, end, { background: true })
  }

  #end(key: string): void {
    const source = this.#sources.get(key)
    this.#sources.delete(key)
    source?.stopLingering?.()
    source?.ends.abort()
  }
}

const keyOf = ({ user, allUsers }: Watched): string => JSON.stringify(['updates', user, allUsers])

const isCovered = ({ operations }: FollowOptions['principal'], { kind }: ListUpdate): boolean =>
  coversOperation(operations, operationOf[kind])

const frameOf = (
  { name }: Source,
  at: number,
  event: 'open' | 'resync' | 'changes',
  updates: readonly ListUpdate[] = [],
): Frame => ({ id: `${name}.${at}`, event, data: event === 'changes' ? { type: event, updates } : { type: event } })

interface Position {
  readonly source: string
  readonly at: number
}

/** @throws ValidationError `request.invalid` */
function readId(id: string | undefined): Position | undefined {
  if (id === undefined || id === '') return undefined
  const [, source, at] = /^([\w-]{1,100})\.(\d{1,15})$/.exec(id) ?? []
  if (source === undefined) throw failure('request.invalid', { problem: 'Last-Event-ID is none of this stream' })
  return { source, at: Number(at) }
}
