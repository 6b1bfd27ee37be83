/** The hands of one agent, or of the host, on what is committed: each write is one change. */
import {
  capture,
  checkName,
  checkOptions,
  checkSignal,
  checkTaint,
  createPage,
  decodeJson,
  failure,
  type Json,
  joinTaint,
  listOf,
  type Page,
  signalOf,
  TroupeError,
} from '../core/index.ts'
import { unlessAborted } from '../resilience/index.ts'
import type { Right } from '../security/index.ts'
import type * as port from './context-client.ts'
import type { Key, KeyValue } from './entries/define-key.ts'
import type { EntryRow } from './entries/entry-row.ts'
import { restoreValue, taintIn, toEntry } from './entries/entry-row.ts'
import {
  type Actor,
  checkedKey,
  checkUpdate,
  parsedValue,
  preparePush,
  prepareRemoval,
  pushFragment,
  readsAudited,
  removeFragment,
} from './entries/fragments.ts'
import type { MeshServices } from './mesh-services.ts'
import { findHistory } from './reads/find-history.ts'
import { findEntries, findKeys, listedOf, listingPage, parseListOptions, readEntries } from './reads/listing.ts'
import { watchContext } from './reads/watch-context.ts'
import { pushedVersion } from './reads/write-version.ts'
import { now, readerValues } from './statements/visibility.ts'
import { isAllowed, listWithRight, type ToolContext } from './tool-context.ts'
import { revisionOf, runBatch } from './writes/run-batch.ts'
import { deleteTopic, discoverTopics, subscribe, unsubscribe } from './writes/topics.ts'

const attempts = 100

export class CommittedContext implements ToolContext {
  protected readonly mesh: MeshServices
  protected readonly actor: Actor

  constructor(mesh: MeshServices, actor: Actor) {
    this.mesh = mesh
    this.actor = actor
  }

  get agent(): string {
    return this.actor.agent
  }

  push<K extends Key | string>(key: K, value: KeyValue<K>, options: port.PushOptions = {}): Promise<port.Pushed> {
    return this.perform('push_context', options, async () => {
      const pushed = await this.#push(key, value, options)
      return pushed
    })
  }

  async #push(key: Key | string, value: unknown, options: port.PushOptions) {
    const { core } = this.mesh
    const push = await preparePush(core, key, value, options, this.#origin())
    const fragment = pushFragment(core, this.actor, push)
    const committed = await core.commit(this.actor.user, fragment)
    const version = await pushedVersion(core, this.actor.user, push, committed, fragment.put)
    await this.mesh.pushed(this.actor, push, version, committed.revision)
    return { key: push.key, version, ...revisionOf(committed) }
  }
  #origin() {
    return { provenance: { agent: this.actor.agent }, taint: this.mesh.core.callers?.taint ?? [] }
  }

  get<K extends Key | string>(key: K, options: port.GetOptions = {}): Promise<KeyValue<K> | undefined> {
    return this.perform('get_context', options, () => {
      checkOptions('get', options, ['maxAge', 'signal'])
      const text = checkedKey(key)
      this.#reads('get_context', text)
      if (options.maxAge !== undefined)
        return this.mesh.cache.get(this.actor, text, options.maxAge) as Promise<KeyValue<K>>
      const json = this.mesh.value(this.actor, text)
      const decoded = (found: string | undefined) =>
        found === undefined ? undefined : (decodeJson(found) as KeyValue<K>)
      return typeof json === 'string' ? decoded(json) : json.then(decoded)
    })
  }

  #reads(operation: Right, ...entries: readonly string[]): void {
    readsAudited(this.mesh.core, this.actor, operation, entries)
  }

  getEntry<K extends Key | string>(key: K, options: port.Signal = {}): Promise<port.Entry<KeyValue<K>> | undefined> {
    return this.perform('get_context', options, async () => {
      checkOptions('getEntry', options, ['signal'])
      const text = checkedKey(key)
      this.#reads('get_context', text)
      const row = await this.mesh.entry(this.actor, text)
      return row && ((await this.#entry(row)) as port.Entry<KeyValue<K>>)
    })
  }
  async #entry(row: EntryRow): Promise<port.Entry> {
    return toEntry(row, await this.mesh.core.loadJson(this.actor.user, row.value))
  }

  getMany(keys: readonly (Key | string)[], options: port.Signal = {}): Promise<Map<string, Json>> {
    return this.perform('get_context', options, async () => {
      checkOptions('getMany', options, ['signal'])
      const texts = listOf('The keys of getMany', keys).map(checkedKey)
      this.#reads('get_context', ...texts)
      const rows = await readEntries(this.mesh.core, this.actor, [...new Set(texts)])
      const found = new Map<string, Json>()
      for (const text of texts) {
        const row = rows.get(text)
        if (row) found.set(text, decodeJson(await this.mesh.core.loadJson(this.actor.user, row.value)))
      }
      return found
    })
  }

  list(options: port.ListOptions = {}): Promise<Page<port.Entry>> {
    return this[listWithRight]('list_context', options)
  }
  [listWithRight](right: Right, options: port.ListOptions): Promise<Page<port.Entry>> {
    return this.perform(right, options, async () => {
      const query = parseListOptions('list', options)
      this.#reads(right, listedOf(options))
      const { items, next } = await findEntries(this.mesh.core, this.actor, query)
      const entries = await Promise.all(items.map((row) => this.#entry(row)))
      return listingPage(entries, next, (cursor) => this[listWithRight](right, { ...options, cursor }))
    })
  }

  keys(options: port.ListOptions = {}): Promise<Page<string>> {
    return this.perform('list_context_keys', options, async () => {
      const query = parseListOptions('keys', options)
      this.#reads('list_context_keys', listedOf(options))
      const { items, next } = await findKeys(this.mesh.core, this.actor, query)
      return listingPage(items, next, (cursor) => this.keys({ ...options, cursor }))
    })
  }

  update<K extends Key | string>(
    key: K,
    fn: (value: KeyValue<K> | undefined) => KeyValue<K> | Promise<KeyValue<K>>,
    options: Omit<port.PushOptions, 'ifVersion'> = {},
  ): Promise<port.Pushed & { readonly value: KeyValue<K> }> {
    return this.perform('push_context', options, async () => {
      checkUpdate(fn, options)
      const captured = capture(options)
      // Its function is given the value.
      this.actor.access?.require(this.actor.agent, 'get_context')
      const text = checkedKey(key)
      this.#reads('get_context', text)
      const { core } = this.mesh
      const { user, agent } = this.actor
      // Nothing is written before it has been made: until then it is waited for no longer than the signal.
      const abortable = <T>(run: () => Promise<T>) => this.#unlessAborted('The update', options.signal, run)
      const made = async (isRetry: boolean) => {
        const statements = [core.reads.versioned({ ...readerValues(this.actor), key: text })]
        // What it may write and not see would be in conflict for ever.
        if (isRetry) statements.push(core.reads.anyEntry({ user, key: text, now }))
        const [[row] = [], [existing] = []] = await core.read(user, ...statements)
        if (existing && !row) throw failure('context.unread', { agent, key: text })
        const json = row && (await core.loadJson(user, restoreValue(String(row.value))))
        const value = await fn(json === undefined ? undefined : (decodeJson(json) as KeyValue<K>))
        return { row, value: await parsedValue(key, value) }
      }
      const attempt = async (isRetry: boolean) => {
        const { row, value } = await abortable(() => made(isRetry))
        const ifVersion = Number(row?.version ?? 0)
        // What is made of a value has what clung to it.
        const taint = joinTaint(taintIn(row), checkTaint(captured.taint, 'update.taint'))
        return { ...(await this.#push(text, value, { ...captured, taint, ifVersion })), value }
      }
      const updateKey = JSON.stringify([user, text])
      const first = this.mesh.updates.busy(updateKey) ? undefined : await unlessConflict(() => attempt(false))
      if (first) return first
      const inTurn = async () => {
        for (let i = 0; i < attempts; i++) {
          const done = await unlessConflict(() => attempt(true))
          if (done) return done
        }
        throw failure('context.contention', { key: text, attempts })
      }
      return this.mesh.updates.run(updateKey, inTurn, (turn) => abortable(() => turn))
    })
  }

  delete(key: Key | string, options: port.DeleteOptions = {}): Promise<boolean> {
    return this.perform('delete_context', options, async () => {
      const { core } = this.mesh
      const removal = prepareRemoval(core, key, options)
      const result = await core.tryCommit(this.actor.user, removeFragment(core, this.actor, removal))
      if (!result.ok && result.code === 'context.missing') return false
      if (!result.ok) throw failure(result.code, result.detail)
      this.mesh.deleted(this.actor, removal.key, result.revision)
      return true
    })
  }

  batch(
    operations: readonly port.BatchOperation[],
    options: { readonly atomic?: boolean } & port.Signal = {},
  ): Promise<readonly port.BatchOperationResult[]> {
    return this.perform('batch_context_operation', options, () =>
      runBatch(operations, options, {
        client: this,
        mesh: this.mesh,
        actor: this.actor,
        require: (right) => this.actor.access?.require(this.actor.agent, right),
        origin: this.#origin(),
      }),
    )
  }

  history(key: Key | string, options: port.HistoryOptions = {}): Promise<Page<port.HistoryEntry>> {
    return this.perform('get_context', options, async () => {
      const text = checkedKey(key)
      this.#reads('get_context', text)
      const { items, cursor } = await findHistory(this.mesh, this.actor, text, options)
      return createPage(items, cursor, (next) => this.history(text, { ...options, cursor: next }))
    })
  }

  subscribe(topics: readonly string[], options: port.Signal = {}): Promise<void> {
    return this.perform('subscribe_to_topics', options, () => {
      checkOptions('subscribe', options, ['signal'])
      return subscribe(this.mesh.core, this.actor, topics)
    })
  }

  unsubscribe(topics: readonly string[], options: port.Signal = {}): Promise<void> {
    return this.perform('unsubscribe_from_topics', options, async () => {
      checkOptions('unsubscribe', options, ['signal'])
      await unsubscribe(this.mesh.core, this.actor, topics)
    })
  }

  topics(options: port.Signal = {}): Promise<readonly string[]> {
    return this.perform(undefined, options, async () => {
      checkOptions('topics', options, ['signal'])
      return (await this.mesh.core.subscriptions(this.actor)).map((grantee) => grantee.slice(1))
    })
  }

  discoverTopics(options: port.DiscoverOptions = {}): Promise<Page<port.TopicInfo>> {
    return this.perform('discover_topics', options, async () => {
      const { items, cursor } = await discoverTopics(this.mesh.core, this.actor, options)
      return createPage(items, cursor, (next) => this.discoverTopics({ ...options, cursor: next }))
    })
  }

  deleteTopic(topic: string, options: port.Signal = {}): Promise<port.DeletedTopic> {
    return this.perform('delete_topic', options, async () => {
      checkOptions('deleteTopic', options, ['signal'])
      const deleted = await deleteTopic(this.mesh.core, this.actor, checkName('topic', topic))
      this.mesh.emit('topic.deleted', this.actor, { topic })
      return deleted
    })
  }

  watch(options: port.WatchOptions = {}): AsyncIterable<port.WatchItem> {
    this.require('get_context', 'watch')
    const items = watchContext(this.mesh, this.actor, options)
    this.#reads('get_context', options.pattern ?? '*')
    return items
  }

  [isAllowed](right: Right): boolean {
    return this.actor.access?.can(right) ?? true
  }

  protected require(right: Right | undefined, action: string): void {
    try {
      if (right) this.actor.access?.require(this.actor.agent, right)
    } catch (error) {
      this.mesh.core.incidents?.rejected(this.actor.user, this.actor.agent, action, error)
      throw error
    }
  }

  #unlessAborted<T>(what: string, signal: AbortSignal | undefined, run: () => T | Promise<T>): T | Promise<T> {
    return signal ? unlessAborted({ clock: this.mesh.clock, what, signal }, run) : run()
  }

  /** One call: rights first, and every refusal of rights recorded. */
  protected async perform<T>(right: Right | undefined, options: port.Signal, run: () => T | Promise<T>): Promise<T> {
    this.require(right, right ?? 'context')
    const signal = signalOf('the call', options)
    checkSignal('the call', signal)
    try {
      const isAbortable = signal && right !== undefined && reads.includes(right)
      return await (isAbortable ? this.#unlessAborted('The read', signal, run) : run())
    } catch (error) {
      this.mesh.core.incidents?.rejected(this.actor.user, this.actor.agent, right ?? 'context', error)
      throw error
    }
  }
}

/** What is only read is waited for no longer than its signal; what is written is, for it may have happened. */
const reads: readonly Right[] = ['get_context', 'list_context', 'list_context_keys', 'discover_topics']

async function unlessConflict<T>(attempt: () => Promise<T>): Promise<T | undefined> {
  try {
    return await attempt()
  } catch (error) {
    if (error instanceof TroupeError && error.code === 'context.conflict') return undefined
    throw error
  }
}
