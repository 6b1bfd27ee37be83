/** What all hands of one mesh work with: its core, caches and clean-up, and who they act as. */
import { type Clock, checkName, type EventName, type Json, type UserId } from '../core/index.ts'
import type { Access } from '../security/index.ts'
import { checkAgentName } from './agent-name.ts'
import { type Reader, topicGrantee } from './audience.ts'
import { Cleaner, type CleanerOptions } from './cleaner.ts'
import { type EntryRow, entryRow } from './entry-row.ts'
import type { Actor } from './fragments.ts'
import { KeyQueue } from './key-queue.ts'
import { type Committed, createMeshCore, type MeshCore, type MeshParts } from './mesh-core.ts'
import { ReadCache } from './read-cache.ts'
import { readerValues } from './statements/visibility.ts'
import { subscribersOf } from './topics.ts'

export class MeshServices {
  readonly core: MeshCore
  readonly cache: ReadCache
  readonly updates = new KeyQueue()
  readonly cleaner: Cleaner
  readonly #watchers = new Set<() => void>()

  constructor(parts: MeshParts & { readonly cleanup?: CleanerOptions }) {
    this.core = createMeshCore(parts)
    this.cache = new ReadCache(this.core)
    this.cleaner = new Cleaner(this.core, parts.cleanup)
  }

  get clock(): Clock {
    return this.core.clock
  }

  /** @throws ValidationError for a name that is not allowed */
  actor(user: UserId, agent: string, access: Access): Actor {
    return { user: checkName('user', user), agent: checkAgentName(agent), all: false, access }
  }

  /** What the reader sees under this key. */
  async entry(reader: Reader, key: string): Promise<EntryRow | undefined> {
    const [rows = []] = await this.core.read(reader.user, this.core.reads.entry({ ...readerValues(reader), key }))
    return rows[0] && entryRow(rows[0])
  }

  /** The agents that are subscribed to a topic now, in order. */
  subscribersOf(user: UserId, topic: string): Promise<readonly string[]> {
    return subscribersOf(this.core, user, topicGrantee(topic))
  }

  pushed(actor: Actor, key: string, version: number, committed: Committed): void {
    this.emit('context.pushed', actor, { key, version, revision: committed.revision ?? 0 })
  }

  emit(type: EventName, { user, agent }: Reader, fields: { readonly [field: string]: Json }): void {
    this.core.events.emit({ type, at: this.core.clock.now(), userId: user, agent, ...fields })
  }

  /** @returns what takes the watcher off the list again */
  watching(stop: () => void): () => void {
    this.#watchers.add(stop)
    return () => void this.#watchers.delete(stop)
  }

  /** Ends every watch and the clean-up; what is stored stays. */
  async close(): Promise<void> {
    for (const stop of this.#watchers) stop()
    await this.cleaner.stop()
  }
}
