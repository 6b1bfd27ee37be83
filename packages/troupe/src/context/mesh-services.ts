/** The services of all clients of one mesh: its core, caches, cleanup and actors. */
import {
  type Clock,
  checkName,
  type EventFields,
  type EventPayloads,
  failure,
  MacrotaskQueue,
  type MatchedName,
  type TroupeEvent,
  type UserId,
} from '../core/index.ts'
import type { Access } from '../security/index.ts'
import { checkAgentName } from './entries/agent-name.ts'
import { type ContextReader, topicGrantee } from './entries/audience.ts'
import { type EntryRow, entryRow, restoreValue } from './entries/entry-row.ts'
import type { Actor, Push } from './entries/fragments.ts'
import {
  type ContextLimits,
  contextLimits,
  createMeshCore,
  type MeshCore,
  type MeshOptions,
  type MeshParts,
} from './mesh-core.ts'
import { ReadCache } from './reads/read-cache.ts'
import { ValueCache } from './reads/value-cache.ts'
import { WatchReads } from './reads/watch/watch-reads.ts'
import { readerValues } from './statements/visibility.ts'
import { Cleaner } from './writes/cleaner.ts'
import { KeyQueue } from './writes/key-queue.ts'

/** The number of JSON characters from which a value may be stored as a blob: a character takes at most four bytes in UTF-8. */
const largeValue = 256 * 1024
/** The number of cached values that are returned in one section: about a millisecond. */
const cachedReadsPerTurn = 1_024

export interface Watcher {
  readonly user: UserId
  stop(): void
  /** Ends the present state of the watcher, because the user was erased. */
  startOver(): void
}

export class MeshServices {
  readonly core: MeshCore
  readonly cache: ReadCache
  /** Present if no other process writes to the storage. */
  readonly values: ValueCache | undefined
  readonly updates = new KeyQueue()
  readonly cleaner: Cleaner
  readonly watchReads: WatchReads
  readonly #watchers = new Set<Watcher>()
  /** Counts the cached values that are returned in one macrotask. */
  readonly #macrotasks: MacrotaskQueue
  /** Work that continues after its caller has the answer. */
  #work: Promise<unknown> = Promise.resolve()

  constructor(parts: MeshParts, options: MeshOptions = {}) {
    this.core = createMeshCore(parts, options)
    this.cache = new ReadCache(this.core)
    this.values = parts.storage.singleWriter && new ValueCache(parts.storage.singleWriter)
    this.watchReads = new WatchReads(this.core)
    this.cleaner = new Cleaner(this.core, options.cleanup)
    this.#macrotasks = new MacrotaskQueue(this.core.clock, cachedReadsPerTurn)
  }

  get clock(): Clock {
    return this.core.clock
  }

  /** @throws ValidationError for an invalid name */
  actor(user: UserId, agent: string, access: Access): Actor {
    return { user: checkName('user', user), agent: checkAgentName(agent), all: false, access }
  }

  /** Returns the JSON of the value that the reader sees under this key, without a promise if it is cached. */
  value(reader: ContextReader, key: string): string | Promise<string | undefined> {
    const cached = this.values?.find(reader, key)
    if (cached === undefined) return this.#readValue(reader, key)
    const turn = this.#macrotasks.next
    if (turn) return turn.then(() => cached)
    this.#macrotasks.spend(1)
    return cached
  }

  async #readValue(reader: ContextReader, key: string): Promise<string | undefined> {
    const { values, core } = this
    const changeCount = values?.changeCount(reader.user)
    const asked = { ...readerValues(reader), key }
    const statements = [values ? core.reads.audience(asked) : core.reads.value(asked)]
    if (values?.lacksTopics(reader, key)) statements.push(core.reads.subscriptions(reader))
    const [[row] = [], topics] = await core.read(reader.user, ...statements)
    values?.add(changeCount, reader, key, row, topics)
    return row && core.loadJson(reader.user, restoreValue(String(row.value)))
  }

  /** Returns the entry that the reader sees under this key. */
  async entry(reader: ContextReader, key: string): Promise<EntryRow | undefined> {
    const [rows = []] = await this.core.read(reader.user, this.core.reads.entry({ ...readerValues(reader), key }))
    return rows[0] && entryRow(rows[0])
  }

  /**
   * Returns the agents that are subscribed to a topic now, in order: the recipients of a message of this agent to the topic.
   * @throws AccessDeniedError `topic.closed`, after recording the incident
   */
  async subscribersOf(user: UserId, topic: string, agent: string): Promise<readonly string[]> {
    const grantee = topicGrantee(topic)
    const [closed = [], rows = []] = await this.core.read(
      user,
      this.core.reads.closedTo({ user, agent }),
      this.core.reads.subscribers({ user, grantee }),
    )
    if (closed.some((row) => row.grantee === grantee)) {
      const rejected = failure('topic.closed', { agent, action: 'post to', topics: [topic] })
      this.core.incidents?.rejected(user, agent, 'publish', rejected)
      throw rejected
    }
    return rows.map((row) => String(row.agent))
  }

  /**
   * Emits the event of a committed push, and waits for the removal of old large values. A failure of the removal does not
   * fail the push; the next push repeats it.
   */
  async pushed(actor: Actor, { key, json }: Push, version: number, revision: number | null): Promise<void> {
    this.cache.wrote(actor, key)
    this.emit('context.pushed', actor, { key, version, revision: revision ?? 0 })
    if (json.length <= largeValue / 4) return
    const work = this.cleaner.forgetLarge(actor.user, key, version).catch(() => {})
    this.#work = Promise.all([this.#work, work])
    await work
  }

  deleted(actor: Actor, key: string, revision: number | null): void {
    this.cache.wrote(actor, key)
    this.emit('context.deleted', actor, { key, revision: revision ?? 0 })
  }

  emit<Name extends MatchedName<'context.*' | 'topic.*'>>(
    type: Name,
    { user, agent }: ContextReader,
    fields: Omit<EventPayloads[Name], 'agent'>,
  ): void {
    const event = { ...fields, type, at: this.core.clock.now(), userId: user, agent }
    this.core.events.emit(event as EventFields as TroupeEvent)
  }

  /** @returns a function that removes the watcher */
  watching(watcher: Watcher): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  /** Returns the users with cached values or watchers in this process. */
  users(): readonly UserId[] {
    const watching = [...this.#watchers].map(({ user }) => user)
    return [...this.cache.users(), ...(this.values?.users() ?? []), ...watching]
  }

  /** Drops the state of a user in this process: cached values and the positions of watchers. */
  forget(user: UserId): void {
    this.cache.forget(user)
    this.values?.forget(user)
    for (const watcher of this.#watchers) if (watcher.user === user) watcher.startOver()
  }

  /** Sets other limits for later writes. */
  limit(limits: ContextLimits | undefined): void {
    this.core.limits = contextLimits(limits)
  }

  /** Ends every watch and the cleanup; stored data stays. */
  async close(): Promise<void> {
    for (const watcher of this.#watchers) watcher.stop()
    await this.cleaner.stop()
    await this.#work
  }
}
