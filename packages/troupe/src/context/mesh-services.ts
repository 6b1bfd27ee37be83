/** What all hands of one mesh work with: its core, caches and clean-up, and who they act as. */
import { type Clock, checkName, type EventName, failure, type Json, Turns, type UserId } from '../core/index.ts'
import type { Access } from '../security/index.ts'
import { checkAgentName } from './agent-name.ts'
import { type Reader, topicGrantee } from './audience.ts'
import { Cleaner, type CleanerOptions } from './cleaner.ts'
import { type EntryRow, entryRow, restoreValue } from './entry-row.ts'
import type { Actor, Push } from './fragments.ts'
import { KeyQueue } from './key-queue.ts'
import { type ContextLimits, contextLimits, createMeshCore, type MeshCore, type MeshParts } from './mesh-core.ts'
import { ReadCache } from './read-cache.ts'
import { readerValues } from './statements/visibility.ts'
import { ValueCache } from './value-cache.ts'

/** Characters of JSON from which a value may be stored apart: in UTF-8 one takes at most four bytes. */
const largeValue = 256 * 1024
/** Answers of values that are held, in one go: about a millisecond. */
const heldInOneGo = 1_024

export interface Watcher {
  readonly user: UserId
  stop(): void
  /** Everything it has seen is gone. */
  startOver(): void
}

export class MeshServices {
  readonly core: MeshCore
  readonly cache: ReadCache
  /** Where nobody else writes to the storage. */
  readonly values: ValueCache | undefined
  readonly updates = new KeyQueue()
  readonly cleaner: Cleaner
  readonly #watchers = new Set<Watcher>()
  /** Of values that are held. */
  readonly #turns: Turns
  /** What goes on after those who caused it have their answer. */
  #work: Promise<unknown> = Promise.resolve()

  constructor(parts: MeshParts & { readonly cleanup?: CleanerOptions }) {
    this.core = createMeshCore(parts)
    this.cache = new ReadCache(this.core)
    this.values = parts.storage.sole && new ValueCache(parts.storage.sole)
    this.cleaner = new Cleaner(this.core, parts.cleanup)
    this.#turns = new Turns(parts.clock, heldInOneGo)
  }

  get clock(): Clock {
    return this.core.clock
  }

  /** @throws ValidationError for a name that is not allowed */
  actor(user: UserId, agent: string, access: Access): Actor {
    return { user: checkName('user', user), agent: checkAgentName(agent), all: false, access }
  }

  /** The JSON of the value that the reader sees under this key; at once where it is held. */
  value(reader: Reader, key: string): string | Promise<string | undefined> {
    const held = this.values?.find(reader, key)
    if (held === undefined) return this.#readValue(reader, key)
    const turn = this.#turns.next
    if (turn) return turn.then(() => held)
    this.#turns.spend(1)
    return held
  }

  async #readValue(reader: Reader, key: string): Promise<string | undefined> {
    const { values, core } = this
    const moment = values?.moment(reader.user)
    const asked = { ...readerValues(reader), key }
    const statements = [values ? core.reads.audience(asked) : core.reads.value(asked)]
    if (values?.lacksTopics(reader, key)) statements.push(core.reads.subscriptions(reader))
    const [[row] = [], topics] = await core.read(reader.user, ...statements)
    values?.keep(moment, reader, key, row, topics)
    return row && core.loadJson(reader.user, restoreValue(String(row.value)))
  }

  /** What the reader sees under this key. */
  async entry(reader: Reader, key: string): Promise<EntryRow | undefined> {
    const [rows = []] = await this.core.read(reader.user, this.core.reads.entry({ ...readerValues(reader), key }))
    return rows[0] && entryRow(rows[0])
  }

  /**
   * The agents that are subscribed to a topic now, in order: whom a message of this agent to the topic goes to.
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
      const refused = failure('topic.closed', { agent, action: 'post to', topics: [topic] })
      this.core.incidents?.refused(user, agent, 'publish', refused)
      throw refused
    }
    return rows.map((row) => String(row.agent))
  }

  /** What every way of writing tells, and what it leaves to do, once it is committed. */
  async pushed(actor: Actor, { key, json }: Push, version: number, revision: number | null): Promise<void> {
    this.cache.wrote(actor, key)
    this.emit('context.pushed', actor, { key, version, revision: revision ?? 0 })
    if (json.length <= largeValue / 4) return
    const work = this.cleaner.forgetLarge(actor.user, key, version)
    this.#work = Promise.allSettled([this.#work, work])
    await work
  }

  deleted(actor: Actor, key: string, revision: number | null): void {
    this.cache.wrote(actor, key)
    this.emit('context.deleted', actor, { key, revision: revision ?? 0 })
  }

  emit(type: EventName, { user, agent }: Reader, fields: { readonly [field: string]: Json }): void {
    this.core.events.emit({ type, at: this.core.clock.now(), userId: user, agent, ...fields })
  }

  /** @returns what takes the watcher off the list again */
  watching(watcher: Watcher): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  /** Lets go of what is remembered of a user here: cached values, and where its watchers stand. */
  forget(user: UserId): void {
    this.cache.forget(user)
    this.values?.forget(user)
    for (const watcher of this.#watchers) if (watcher.user === user) watcher.startOver()
  }

  /** Other limits, for what is written from now on. */
  limit(limits: ContextLimits | undefined): void {
    this.core.limits = contextLimits(limits)
  }

  /** Ends every watch and the clean-up; what is stored stays. */
  async close(): Promise<void> {
    for (const watcher of this.#watchers) watcher.stop()
    await this.cleaner.stop()
    await this.#work
  }
}
