/**
 * The hands of a step: reads are answers of its log, merged with what it has written; writes are staged and commit with
 * the turn. Whatever the code goes on with is in the log, so that on re-entry it goes the same way again.
 */
import {
  canonicalJson,
  capture,
  checkOptions,
  checkSignal,
  createPage,
  decodeJson,
  failure,
  type Json,
  joinTaint,
  listOf,
  milliseconds,
  type Page,
  type Provenance,
  type TaintLabel,
  TroupeError,
} from '../core/index.ts'
import type { Recorder, StagedWrite } from '../journal/index.ts'
import type { Access, Right } from '../security/index.ts'
import type * as port from './context-client.ts'
import type { Key, KeyValue } from './entries/define-key.ts'
import {
  type Actor,
  checkedKey,
  checkUpdate,
  type Push,
  parsedValue,
  preparePush,
  prepareRemoval,
  type Removal,
  readsAudited,
} from './entries/fragments.ts'
import { type RecordedEntry, recordEntry, recordStaged, restoreEntry } from './entries/recorded-entry.ts'
import type { Mesh } from './mesh.ts'
import { findHistory } from './reads/find-history.ts'
import { findEntries, findKeys, listedOf, parseListOptions, readEntries } from './reads/listing.ts'
import { recordedPage } from './reads/recorded-page.ts'
import { isAllowed, listWithRight, type ToolContext } from './tool-context.ts'
import { mergePage, Overlay, type OverlayEntry } from './writes/overlay.ts'
import { type CheckJson, check, planPush, planRemoval } from './writes/plan-writes.ts'
import { allOrNone, checkBatchOperations, foundOf, oneByOne } from './writes/run-batch.ts'
import { StagedTopics } from './writes/staged-topics.ts'
import { stagedPush, stagedRemoval } from './writes/staged-writes.ts'

const attempts = 100
/** Keys told as what a write was derived from. */
const maxReads = 64

export interface StagedParts {
  readonly mesh: Mesh
  readonly recorder: Recorder
  readonly access: Access
  /** The hands of the step over which the stage of a tool call lies: staged ones too. */
  readonly over?: port.ContextClient
}

/** @example const context = stagedContext({ mesh, recorder, access }) */
export const stagedContext = (parts: StagedParts): StagedContext => new StagedContext(parts)

export class StagedContext implements ToolContext {
  readonly #mesh: Mesh
  readonly #recorder: Recorder
  readonly #actor: Actor
  readonly #overlay: Overlay
  readonly #readFrom: Set<string>
  readonly #topics: StagedTopics
  /** ms since 1970: when this step was entered here. */
  readonly #began: number

  constructor({ mesh, recorder, access, over }: StagedParts) {
    this.#mesh = mesh
    this.#recorder = recorder
    this.#actor = mesh.actor(recorder.principal.userId, recorder.principal.name, access)
    const under = over instanceof StagedContext ? over : undefined
    this.#overlay = under === undefined ? new Overlay() : new Overlay(under.#overlay)
    this.#readFrom = under === undefined ? new Set() : under.#readFrom
    this.#began = under === undefined ? mesh.clock.now() : under.#began
    this.#topics = new StagedTopics(recorder, () => mesh.agent(this.#actor.user, this.agent, access))
    recorder.onCommitted((committed) => this.#overlay.dropCommitted(new Set(committed)))
  }

  get agent(): string {
    return this.#actor.agent
  }

  [isAllowed](right: Right): boolean {
    return this.#actor.access?.can(right) ?? true
  }

  /** What has not begun when its signal aborts never begins; what has begun ends with the turn. */
  #require(right: Right | undefined, options: port.Signal = {}): void {
    checkSignal('The call', options?.signal)
    try {
      if (right) this.#actor.access?.require(this.agent, right)
    } catch (error) {
      this.#rejected(right ?? 'context', error)
      throw error
    }
  }
  #rejected(action: string, error: unknown): void {
    this.#mesh.core.incidents?.rejected(this.#actor.user, this.agent, action, error)
  }

  #origin(): { readonly provenance: Provenance; readonly taint: readonly TaintLabel[] } {
    const { provenance, taint } = this.#recorder
    const readFrom = [...this.#readFrom]
    return { provenance: readFrom.length > 0 ? { ...provenance, readFrom } : provenance, taint }
  }

  /** What was read taints what is written, and is told in its provenance. */
  #read(key: string, version: number, taint: readonly TaintLabel[]): void {
    if (this.#readFrom.size < maxReads) this.#readFrom.add(`${key}@${version}`)
    if (taint.length > 0) this.#recorder.addTaint(taint, `${key}@${version}`)
  }

  /** Who may see an entry changes: what is private now counts, whatever it was when it was written. */
  #labelsOf({ audience, taint }: Pick<port.Entry, 'audience' | 'taint'>): readonly TaintLabel[] {
    const { privateLabels = [] } = this.#mesh.core
    return audience === 'everyone' ? taint : joinTaint(taint, privateLabels)
  }

  /** Also where it has read more than is told of: then nobody knows. */
  #hasRead(key: string, version: number): boolean {
    return this.#readFrom.size >= maxReads || this.#readFrom.has(`${key}@${version}`)
  }

  async #check(key: string, named?: readonly string[], overlay = this.#overlay): Promise<CheckJson> {
    const step = { id: this.#recorder.step, began: this.#began }
    const ask = () => check(this.#mesh.core, this.#actor, overlay, key, named, step)
    for (;;) {
      const before = overlay.stagings(key)
      const found = await this.#recorder.answer({ kind: 'check', name: key }, ask)
      // A call beside this one may have staged something there meanwhile.
      if (overlay.stagings(key) === before) return found
    }
  }

  push<K extends Key | string>(key: K, value: KeyValue<K>, options: port.PushOptions = {}): Promise<port.Pushed> {
    return this.#push(key, value, options, false)
  }
  /** @param unseen an update found nothing that it can see: what it may write all the same is in conflict for ever */
  async #push(key: Key | string, value: unknown, options: port.PushOptions, unseen: boolean): Promise<port.Pushed> {
    this.#require('push_context', options)
    const push = await preparePush(this.#mesh.core, key, value, options, this.#origin())
    const found = await this.#check(push.key, push.grantees)
    const staged = this.#decide('push_context', () => {
      if (unseen && found.existing && !found.readable && found.writable)
        throw failure('context.unread', { agent: this.agent, key: push.key })
      return planPush(this.#mesh.core, this.#actor, push, found)
    })
    return this.#stagePush(push, found, staged)
  }

  #stagePush(push: Push, found: CheckJson, staged: ReturnType<typeof planPush>): port.Pushed {
    const { version } = staged.entry
    const over = found.since === true && !this.#hasRead(push.key, version - 1)
    this.#stage(push.key, stagedPush(this.#mesh, this.#actor, push, version, over), staged)
    return { key: push.key, version }
  }
  #stageRemoval(removal: Removal, staged: OverlayEntry | undefined): boolean {
    if (staged) this.#stage(removal.key, stagedRemoval(this.#mesh, this.#actor, removal), staged)
    return staged !== undefined
  }

  /** A refusal that is seen at the call is an incident like any other; one by a changed version repeats the turn. */
  #decide<T>(action: string, decide: () => T): T {
    try {
      return decide()
    } catch (error) {
      if (error instanceof TroupeError && error.code === 'context.conflict') this.#recorder.markStale(error)
      this.#rejected(action, error)
      throw error
    }
  }

  #stage(key: string, write: StagedWrite, staged: OverlayEntry): void {
    this.#overlay.stages(key)
    if (this.#recorder.stage(write)) this.#overlay.set(key, staged, write)
  }

  async get<K extends Key | string>(key: K, options: port.GetOptions = {}): Promise<KeyValue<K> | undefined> {
    checkOptions('get', options, ['maxAge', 'signal'])
    if (options.maxAge !== undefined) milliseconds(options.maxAge, 'maxAge')
    return (await this.#entry('get', key, options))?.value as KeyValue<K> | undefined
  }

  async getEntry<K extends Key | string>(
    key: K,
    options: port.Signal = {},
  ): Promise<port.Entry<KeyValue<K>> | undefined> {
    checkOptions('getEntry', options, ['signal'])
    return this.#entry('getEntry', key, options) as Promise<port.Entry<KeyValue<K>> | undefined>
  }

  async #entry(kind: string, key: Key | string, options: port.Signal): Promise<port.Entry | undefined> {
    this.#require('get_context', options)
    const text = checkedKey(key)
    const found = await this.#recorder.answer(
      { kind, name: text },
      async () => (await this.#readKeys([text], false))[0] ?? null,
    )
    return found === null ? undefined : this.#restored(found)
  }

  async #restored(recorded: RecordedEntry): Promise<port.Entry> {
    const entry = await restoreEntry(this.#mesh.core, this.#actor.user, recorded)
    this.#read(entry.key, entry.version, this.#labelsOf(entry))
    return entry
  }

  /** What is seen of these keys now, in their order. */
  async #readKeys(
    keys: readonly string[],
    byReference: boolean,
    on = this.#overlay,
  ): Promise<readonly RecordedEntry[]> {
    const { core } = this.#mesh
    readsAudited(core, this.#actor, 'get_context', keys)
    const committed = keys.filter((key) => !on.get(key))
    const rows = await readEntries(core, this.#actor, committed)
    const found: RecordedEntry[] = []
    for (const key of keys) {
      const staged = on.get(key)
      const row = rows.get(key)
      if (staged && 'entry' in staged && staged.visible) found.push(recordStaged(staged.entry))
      else if (!staged && row) found.push(await recordEntry(core, this.#actor.user, row, byReference))
    }
    return found
  }

  async getMany(keys: readonly (Key | string)[], options: port.Signal = {}): Promise<Map<string, Json>> {
    this.#require('get_context', options)
    checkOptions('getMany', options, ['signal'])
    const texts = [...new Set(listOf('The keys of getMany', keys).map(checkedKey))]
    const found = await this.#recordedOf(texts)
    const entries = await Promise.all(found.map((entry) => this.#restored(entry)))
    return new Map(entries.map(({ key, value }) => [key, value]))
  }
  async #recordedOf(keys: readonly string[], overlay = this.#overlay): Promise<readonly RecordedEntry[]> {
    const call = { kind: 'getMany', name: canonicalJson(keys) }
    const found = await this.#recorder.answer(
      call,
      async () => [...(await this.#readKeys(keys, true, overlay))] as Json,
    )
    return found as unknown as readonly RecordedEntry[]
  }

  async list(options: port.ListOptions = {}): Promise<Page<port.Entry>> {
    return this[listWithRight]('list_context', options)
  }
  async [listWithRight](right: Right, options: port.ListOptions): Promise<Page<port.Entry>> {
    this.#require(right, options)
    const query = parseListOptions('list', options)
    const { items, cursor } = await recordedPage(this.#recorder, 'list', options, async () => {
      readsAudited(this.#mesh.core, this.#actor, right, [listedOf(options)])
      const found = await findEntries(this.#mesh.core, this.#actor, query)
      const rows = await Promise.all(
        found.items.map(async (row) => ({
          key: row.key,
          item: await recordEntry(this.#mesh.core, this.#actor.user, row, true),
        })),
      )
      return mergePage(this.#overlay, query, rows, found.next, recordStaged)
    })
    const entries = await Promise.all(
      (items as unknown as readonly RecordedEntry[]).map((entry) => this.#restored(entry)),
    )
    return createPage(entries, cursor, (next) => this[listWithRight](right, { ...options, cursor: next }))
  }

  async keys(options: port.ListOptions = {}): Promise<Page<string>> {
    this.#require('list_context_keys', options)
    const query = parseListOptions('keys', options)
    const { items, cursor } = await recordedPage(this.#recorder, 'keys', options, async () => {
      readsAudited(this.#mesh.core, this.#actor, 'list_context_keys', [listedOf(options)])
      const found = await findKeys(this.#mesh.core, this.#actor, query)
      return mergePage<Json>(
        this.#overlay,
        query,
        found.items.map((key) => ({ key, item: key })),
        found.next,
        ({ key }) => key,
      )
    })
    return createPage(items as readonly string[], cursor, (next) => this.keys({ ...options, cursor: next }))
  }

  async update<K extends Key | string>(
    key: K,
    fn: (value: KeyValue<K> | undefined) => KeyValue<K> | Promise<KeyValue<K>>,
    options: Omit<port.PushOptions, 'ifVersion'> = {},
  ): Promise<port.Pushed & { readonly value: KeyValue<K> }> {
    checkUpdate(fn, options)
    const captured = capture(options)
    const text = checkedKey(key)
    for (let i = 0; i < attempts; i++) {
      const entry = await this.getEntry(key, options.signal ? { signal: options.signal } : {})
      const value = await parsedValue(key, await fn(entry?.value))
      try {
        const over = { ...captured, ifVersion: entry?.version ?? 0 }
        return { ...(await this.#push(text, value, over, entry === undefined)), value }
      } catch (error) {
        if (!(error instanceof TroupeError) || error.code !== 'context.conflict') throw error
      }
    }
    throw failure('context.contention', { key: text, attempts })
  }

  async delete(key: Key | string, options: port.DeleteOptions = {}): Promise<boolean> {
    this.#require('delete_context', options)
    const removal = prepareRemoval(this.#mesh.core, key, options)
    const found = await this.#check(removal.key)
    const staged = this.#decide('delete_context', () => planRemoval(this.#actor, removal, found))
    return this.#stageRemoval(removal, staged)
  }

  async batch(
    operations: readonly port.BatchOperation[],
    options: { readonly atomic?: boolean } & port.Signal = {},
  ): Promise<readonly port.BatchOperationResult[]> {
    this.#require('batch_context_operation', options)
    checkOptions('batch', options, ['atomic', 'signal'])
    const captured = checkBatchOperations(operations)
    if (!options.atomic) return oneByOne(captured, this, options.signal)
    const trial = new Overlay(this.#overlay)
    return allOrNone(captured, (operation) => this.#plan(operation, trial))
  }

  /** @returns what stages it as it was planned, before it waits for anything */
  async #plan(operation: port.BatchOperation, trial: Overlay): Promise<() => Promise<port.BatchOperationResult>> {
    const { type, key, ...rest } = operation
    if (type === 'get') {
      checkOptions('a get of a batch', rest, [])
      this.#require('get_context')
      const text = checkedKey(key)
      const [found] = await this.#recordedOf([text], trial)
      return async () => ({ type, key: text, success: true, ...foundOf(found && (await this.#restored(found)).value) })
    }
    if (type === 'delete') {
      this.#require('delete_context')
      const removal = prepareRemoval(this.#mesh.core, key, rest)
      const found = await this.#check(removal.key, undefined, trial)
      const staged = this.#decide('batch_context_operation', () => planRemoval(this.#actor, removal, found))
      if (staged) trial.set(removal.key, staged, removal)
      return async () => ({ type, key: removal.key, success: true, deleted: this.#stageRemoval(removal, staged) })
    }
    this.#require('push_context')
    const { value, ...options } = rest as { readonly value: Json }
    const push = await preparePush(this.#mesh.core, key, value, options, this.#origin())
    const found = await this.#check(push.key, push.grantees, trial)
    const staged = this.#decide('batch_context_operation', () => planPush(this.#mesh.core, this.#actor, push, found))
    trial.set(push.key, staged, push)
    return async () => ({ type, success: true, ...this.#stagePush(push, found, staged) })
  }

  async history(key: Key | string, options: port.HistoryOptions = {}): Promise<Page<port.HistoryEntry>> {
    this.#require('get_context', options)
    checkOptions('history', options, ['limit', 'cursor', 'signal'])
    const text = checkedKey(key)
    const { signal: _, ...asked } = options
    const { items, cursor } = await this.#recorder.answer(
      { kind: 'history', name: canonicalJson([text, asked as { readonly [key: string]: Json }]) },
      async () => {
        readsAudited(this.#mesh.core, this.#actor, 'get_context', [text])
        const page = await findHistory(this.#mesh, this.#actor, text, options)
        return { items: decodeJson(JSON.stringify(page.items)), cursor: page.cursor ?? null }
      },
    )
    for (const entry of items as unknown as readonly port.HistoryEntry[])
      this.#read(text, entry.version, this.#labelsOf(entry))
    return createPage(items as unknown as readonly port.HistoryEntry[], cursor ?? undefined, (next) =>
      this.history(key, { ...options, cursor: next }),
    )
  }

  subscribe(topics: readonly string[], options?: port.Signal): Promise<void> {
    return this.#topics.change('subscribe', topics, options)
  }
  unsubscribe(topics: readonly string[], options?: port.Signal): Promise<void> {
    return this.#topics.change('unsubscribe', topics, options)
  }
  deleteTopic(topic: string, options?: port.Signal): Promise<port.DeletedTopic> {
    return this.#topics.delete(topic, options)
  }
  topics(options?: port.Signal): Promise<readonly string[]> {
    return this.#topics.mine(options)
  }
  discoverTopics(options?: port.DiscoverOptions): Promise<Page<port.TopicInfo>> {
    return this.#topics.discover(options)
  }

  watch(): AsyncIterable<port.WatchItem> {
    throw failure('context.watch')
  }
}
