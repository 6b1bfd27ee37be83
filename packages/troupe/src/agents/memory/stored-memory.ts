/** The durable memories of an agent of one user, as the host holds them; what its steps remember is in here too. */
import {
  checkFunction,
  checkOptions,
  checkPredicate,
  checkSignal,
  checkTaint,
  checkText,
  encodeJson,
  failure,
  type Ids,
  type Json,
  show,
  type TaintLabel,
  type UserId,
} from '../../core/index.ts'
import type { Models } from '../../models/index.ts'
import { checkInteger } from '../../resilience/index.ts'
import type { Storage } from '../../storage/index.ts'
import type { RetrievedEpisode } from './episodic-index.ts'
import type { FormerMemory, Memories, MemoryItem } from './memories-port.ts'
import { retrieveEpisodes } from './retrieve-episodes.ts'
import { checkQuery } from './similarity.ts'

export interface StoredMemoryParts {
  readonly storage: Pick<Storage, 'commit'>
  readonly memories: Memories
  readonly models: Models
  readonly ids: Ids
}

/** Of one agent, wherever it works for the user. */
export const episodicName = (agent: string): string => `episodic/${agent}`
/** What the user stated to one agent, in all conversations. */
export const factsName = (agent: string): string => `facts/${agent}`
/** Of one agent in one conversation. */
export const workingName = (agent: string, thread: string): string => `working/${agent}/${thread}`

export interface AddOptions {
  /** What has this key already is replaced; its version rises, and what it was stays in the history. */
  readonly key?: string
  /** Higher is more important; 0 by default. */
  readonly priority?: number
  /** What clings to it, and to every step that is shown it: `untrusted:mail`, `sensitive:payroll`. */
  readonly taint?: readonly TaintLabel[]
}

/** Items of one memory. Every item tells its version, who made it where, and its taint. */
export class StoredMemory {
  readonly capacity: number
  protected readonly parts: StoredMemoryParts
  protected readonly user: UserId
  protected readonly name: string
  readonly #agent: string
  readonly #source: string

  constructor(
    parts: StoredMemoryParts,
    memoryIdentity: { readonly user: UserId; readonly agent: string; readonly name: string; readonly source: string },
    capacity: number,
  ) {
    this.parts = parts
    this.user = memoryIdentity.user
    this.name = memoryIdentity.name
    this.#agent = memoryIdentity.agent
    this.#source = memoryIdentity.source
    this.capacity = capacity
  }

  /**
   * @returns the id of the item: its key, where it has one
   * @throws ValidationError for what JSON can't carry, or a priority that is no number
   */
  async add(content: unknown, options: AddOptions = {}): Promise<string> {
    checkOptions('add', options, ['key', 'priority', 'taint'])
    const { key, priority = 0 } = options
    if (!Number.isFinite(priority))
      throw failure('validation.failed', {
        what: 'The priority of a memory',
        problem: `it is ${show(priority)}, not a number`,
      })
    const id = key ?? this.parts.ids.next()
    const item = {
      ...{ id, priority, agent: this.#agent, source: this.#source, taint: checkTaint(options.taint, 'add.taint') },
      content: JSON.parse(encodeJson(content, 'What is remembered')) as Json,
      provenance: { agent: 'host' },
    }
    await this.#commit(this.parts.memories.put(this.user, this.name, item, this.capacity))
    return id
  }

  /** The most important first, of equals the newest. */
  items(): Promise<readonly MemoryItem[]> {
    return this.parts.memories.read(this.user, this.name)
  }

  async size(): Promise<number> {
    return (await this.items()).length
  }

  /** What the item was before, the newest first. */
  async history(id: string): Promise<readonly FormerMemory[]> {
    return this.parts.memories.history(this.user, this.name, checkText('history', id))
  }

  /**
   * Removes what matches, its vectors and all it was before.
   * @returns how many were forgotten
   * @throws ValidationError for a predicate that gives anything but a boolean, a promise say; nothing is forgotten then
   */
  async forget(matches: (item: MemoryItem) => boolean): Promise<number> {
    checkFunction('What forget was given', matches)
    const isMatch = (item: MemoryItem) => checkPredicate('What forget was given', matches(item))
    const ids = (await this.items()).filter(isMatch).map(({ id }) => id)
    if (ids.length > 0) await this.#commit(this.parts.memories.forget(this.user, this.name, ids))
    return ids.length
  }

  async #commit(fragment: ReturnType<Memories['put']>): Promise<void> {
    const done = await this.parts.storage.commit({ id: null, scope: { user: this.user }, ...fragment })
    if (!done.ok) throw failure(done.code, done.detail ?? {})
  }
}

/** @example const memory = ada.memory('Support').episodic; await memory.add('refunded order 17') */
export class StoredEpisodicMemory extends StoredMemory {
  /** `lexical` where the troupe has no embedding model. */
  get similarity(): RetrievedEpisode<Json>['similarity'] {
    return this.parts.models.embedding === undefined ? 'lexical' : 'embedding'
  }

  /** The most alike first. @param options.limit at most, 3 by default */
  async retrieveSimilar(
    text: string,
    options: { readonly limit?: number; readonly signal?: AbortSignal } = {},
  ): Promise<readonly (RetrievedEpisode<Json> & Pick<MemoryItem, 'id' | 'version' | 'provenance' | 'taint' | 'at'>)[]> {
    checkOptions('retrieveSimilar', options, ['limit', 'signal'])
    checkSignal('retrieveSimilar', options.signal)
    checkQuery(text)
    const limit = checkInteger('retrieveSimilar', 'limit', options.limit ?? 3)
    return retrieveEpisodes({ ...this.parts, user: this.user, memory: this.name, signal: options.signal }, text, limit)
  }
}
