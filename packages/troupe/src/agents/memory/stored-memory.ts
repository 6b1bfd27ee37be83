/** The durable memories of an agent of one user, for the application. The steps of the agent store their items here too. */
import {
  addStepTaint,
  checkFunction,
  checkOptions,
  checkPredicate,
  checkSignal,
  checkTaint,
  checkText,
  copyJson,
  type Ids,
  invalidInput,
  isExactNumber,
  type Json,
  joinTaint,
  show,
  stepTaint,
  type TaintLabel,
  taintOfPrivate,
  type UserId,
} from '../../core/index.ts'
import type { Models } from '../../models/index.ts'
import { checkInteger } from '../../resilience/index.ts'
import { committed, type Storage } from '../../storage/index.ts'
import type { RetrievedEpisode } from './episodic-index.ts'
import type { FormerMemory, Memories, MemoryItem } from './memories-port.ts'
import { retrieveEpisodes } from './retrieve-episodes.ts'
import { checkQuery } from './similarity.ts'

export interface StoredMemoryParts {
  readonly storage: Pick<Storage, 'commit'>
  readonly memories: Memories
  readonly models: Models
  readonly ids: Ids
  /** The labels of memories whose writer declares none. */
  readonly privateLabels: readonly TaintLabel[]
}

/** Returns the name of the memory of one agent, for all threads of the user. */
export const episodicName = (agent: string): string => `episodic/${agent}`
/** Returns the name of the memory of the facts that the user stated to one agent, in all threads. */
export const factsName = (agent: string): string => `facts/${agent}`
/** Returns the name of the memory of one agent in one thread. */
export const workingName = (agent: string, thread: string): string => `working/${agent}/${thread}`

/** The options of `add` of a stored memory. */
export interface AddOptions {
  /**
   * The id of the item. An item with this key is replaced: its version rises, and `history` returns the earlier
   * version. A new id by default.
   */
  readonly key?: string
  /** The importance: a higher number is more important; 0 by default. */
  readonly priority?: number
  /**
   * The taint labels, which every step inherits that is shown the item: `untrusted:mail`, `sensitive:payroll`. A memory counts
   * as sensitive where `policy.private` says so, unless this is given: `[]` declares it not sensitive.
   */
  readonly taint?: readonly TaintLabel[]
}

/**
 * The items of one memory of an agent and a user, stored durably. Every item has its version, its origin and its taint
 * labels.
 */
export class StoredMemory {
  /** The highest number of items. The item with the lowest priority is removed first, among equals the oldest. */
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
   * Stores an item, as the application.
   * @returns the id of the item: `key`, or a new id
   * @throws ValidationError for a content that is not JSON, or a priority that no storage returns unchanged
   */
  async add(content: unknown, options: AddOptions = {}): Promise<string> {
    checkOptions('add', options, ['key', 'priority', 'taint'])
    const { key, priority = 0 } = options
    if (!isExactNumber(priority))
      throw invalidInput(
        'The priority of a memory',
        `it is ${show(priority)}, not a number up to ${Number.MAX_SAFE_INTEGER}`,
      )
    const id = key === undefined ? this.parts.ids.next() : checkText('add.key', key)
    const item = {
      ...{
        id,
        priority,
        agent: this.#agent,
        source: this.#source,
        taint: joinTaint(checkTaint(options.taint, 'add.taint'), stepTaint()),
      },
      content: copyJson(content, 'The remembered content'),
      provenance: { agent: 'host', ...(options.taint === undefined ? {} : { taintDeclared: true as const }) },
    }
    await this.#commit(this.parts.memories.put(this.user, this.name, item, this.capacity))
    return id
  }

  /** Returns the items in descending order of priority; among equals the newest is first. */
  async items(): Promise<readonly MemoryItem[]> {
    return noted(this.parts, this.name, await this.parts.memories.read(this.user, this.name))
  }

  /** Returns the number of items. */
  async size(): Promise<number> {
    return (await this.items()).length
  }

  /** Returns the earlier versions of an item, the newest first; the last 20 are stored. */
  async history(id: string): Promise<readonly FormerMemory[]> {
    return noted(
      this.parts,
      this.name,
      await this.parts.memories.history(this.user, this.name, checkText('history', id)),
    )
  }

  /**
   * Removes the items for which the function returns true, with their vectors and earlier versions, and returns their
   * number.
   * @throws ValidationError if the function returns anything but a boolean, for example a promise; then no item is
   * removed
   */
  async forget(matches: (item: MemoryItem) => boolean): Promise<number> {
    checkFunction('The argument of forget', matches)
    const isMatch = (item: MemoryItem) => checkPredicate('The argument of forget', matches(item))
    const ids = (await this.items()).filter(isMatch).map(({ id }) => id)
    if (ids.length > 0) await this.#commit(this.parts.memories.forget(this.user, this.name, ids))
    return ids.length
  }

  async #commit(fragment: ReturnType<Memories['put']>): Promise<void> {
    await committed(this.parts.storage, { id: null, scope: { user: this.user }, ...fragment })
  }
}

/**
 * The episodes of an agent and a user, stored durably and searched by similarity.
 * @example const memory = ada.memory('Support').episodic; await memory.add('refunded order 17')
 */
export class StoredEpisodicMemory extends StoredMemory {
  /** The way in which episodes are compared: `lexical` if the troupe has no embedding model. */
  get similarity(): RetrievedEpisode<Json>['similarity'] {
    return this.parts.models.embedding === undefined ? 'lexical' : 'embedding'
  }

  /**
   * Returns the episodes that are most similar to the text, the most similar first.
   * @param options.limit the highest number of episodes; 3 by default
   * @param options.signal ends the search
   * @throws ValidationError for a text of more than 1,000,000 characters
   */
  async retrieveSimilar(
    text: string,
    options: { readonly limit?: number; readonly signal?: AbortSignal } = {},
  ): Promise<readonly (RetrievedEpisode<Json> & Pick<MemoryItem, 'id' | 'version' | 'provenance' | 'taint' | 'at'>)[]> {
    checkOptions('retrieveSimilar', options, ['limit', 'signal'])
    checkSignal('retrieveSimilar', options.signal)
    checkQuery(text)
    const limit = checkInteger('retrieveSimilar', 'limit', options.limit ?? 3)
    const source = { ...this.parts, user: this.user, memory: this.name, signal: options.signal }
    return noted(this.parts, this.name, await retrieveEpisodes(source, text, limit))
  }
}

/** Code of a step that reads a memory past its `ctx` has the labels of what it reads. */
function noted<Item extends Pick<MemoryItem, 'taint' | 'provenance'>>(
  { privateLabels }: Pick<StoredMemoryParts, 'privateLabels'>,
  name: string,
  items: readonly Item[],
): readonly Item[] {
  for (const item of items) addStepTaint(taintOfPrivate(item, privateLabels), `the memory ${name}`)
  return items
}
