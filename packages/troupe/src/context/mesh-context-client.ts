/** The implementation of the context client, for committed and for staged writes. */
import {
  canonicalJson,
  capture,
  checkFlag,
  checkName,
  checkOptions,
  checkTaint,
  createPage,
  failure,
  isLongValue,
  type Json,
  joinTaint,
  listOf,
  nextMacrotask,
  type Page,
  type Recordable,
  type TaintLabel,
} from '../core/index.ts'
import {
  type CallName,
  CommitNow,
  type Recorder,
  StageInTurn,
  type WriteOrigin,
  type WriteTarget,
} from '../journal/index.ts'
import type { Access, Right } from '../security/index.ts'
import { ContextCalls } from './context-calls.ts'
import type * as port from './context-client.ts'
import type { Key, KeyInput, KeyValue } from './entries/define-key.ts'
import {
  type Actor,
  checkedKey,
  checkUpdate,
  type Push,
  parsedValue,
  preparePush,
  prepareRemoval,
  type Removal,
} from './entries/fragments.ts'
import type { MeshServices } from './mesh-services.ts'
import { CommittedReads } from './reads/committed-reads.ts'
import type { EntryReads, FoundPage } from './reads/entry-reads.ts'
import { findHistory } from './reads/find-history.ts'
import { checkPage, listedOf, parseListOptions } from './reads/listing.ts'
import { noteLiveRead } from './reads/note-live-read.ts'
import { RecordedReads } from './reads/recorded-reads.ts'
import { watchContext } from './reads/watch/watch-context.ts'
import { isAllowed, listWithRight, type ToolContext } from './tool-context.ts'
import { commitBatch } from './writes/commit-batch.ts'
import { ContextStage } from './writes/context-stage.ts'
import { pushWrite, removalWrite } from './writes/context-writes.ts'
import { LongWrites } from './writes/long-writes.ts'
import type { OverlayEntry } from './writes/overlay.ts'
import { oneByOne, parseBatch, prepareAll, prepareOperation } from './writes/parse-batch.ts'
import type { PlannedPush } from './writes/plan-writes.ts'
import { retryInStep, retryUpdate } from './writes/retry-update.ts'
import { stageBatch } from './writes/stage-batch.ts'
import { deleteTopic, discoverTopics, subscribe, unsubscribe } from './writes/topics.ts'

/** The additional parts of a client in a step: reads from the record, and staged writes. */
interface StagedParts {
  readonly stage: ContextStage
  readonly reads: RecordedReads
}

/**
 * The context client over a write target: each write commits at once or is staged in the turn of a step. Rights,
 * options, signals, incidents and the audit of reads are applied here, once.
 */
export class MeshContextClient implements ToolContext {
  readonly #mesh: MeshServices
  readonly #actor: Actor
  readonly #target: WriteTarget
  readonly #reads: EntryReads
  readonly #staged: StagedParts | undefined
  readonly #calls: ContextCalls
  readonly #longWrites = new LongWrites()

  protected constructor(mesh: MeshServices, actor: Actor, target: WriteTarget, staged?: StagedParts) {
    this.#mesh = mesh
    this.#actor = actor
    this.#target = target
    this.#staged = staged
    this.#calls = new ContextCalls(mesh, actor, target, staged?.stage)
    this.#reads = staged?.reads ?? new CommittedReads(mesh, actor)
  }

  /** The client outside a step. */
  static committing(mesh: MeshServices, actor: Actor): MeshContextClient {
    return new MeshContextClient(mesh, actor, committingTarget(mesh, actor))
  }

  /** @param over the client of the step over which the stage of a tool call lies; another implementation is ignored */
  static staging(mesh: MeshServices, recorder: Recorder, access: Access, over?: port.ContextClient): MeshContextClient {
    const { userId, name } = recorder.principal
    const actor = mesh.actor(userId, name, access)
    const around = over instanceof MeshContextClient ? over.#staged?.stage : undefined
    const target = new StageInTurn(recorder)
    const stage = new ContextStage(mesh, actor, recorder, around)
    return new MeshContextClient(mesh, actor, target, { stage, reads: new RecordedReads(mesh, actor, target, stage) })
  }

  get agent(): string {
    return this.#actor.agent
  }

  push<K extends Key | string, V>(key: K, value: KeyInput<K, V>, options: port.PushOptions = {}): Promise<port.Pushed> {
    return this.#calls.call('push_context', options, () => this.#push(key, value, options, false))
  }

  /**
   * @param unseen whether an update found no visible entry
   * @param derivedFrom the labels of the value that an update began with
   */
  async #push(
    key: Key | string,
    value: unknown,
    options: port.PushOptions,
    unseen: boolean,
    derivedFrom: readonly TaintLabel[] = [],
  ): Promise<port.Pushed> {
    const { provenance, taint } = this.#origin()
    const origin = { provenance, taint: joinTaint(taint, derivedFrom) }
    const { begun } = this.#longWrites
    // A key with a schema is not among them: its schema may write, too, and would wait for itself.
    let begins: (() => void) | undefined
    const onLong = () => {
      begins = this.#longWrites.add()
    }
    try {
      const push = await preparePush(this.#mesh.core, key, value, options, origin, onLong)
      if (begun) await begun
      return this.#writePush(push, await this.#staged?.stage.planPush(push, unseen))
    } finally {
      begins?.()
    }
  }
  #writePush(push: Push, planned?: PlannedPush): Promise<port.Pushed> {
    const write = pushWrite(this.#mesh, this.#actor, push, planned)
    return this.#target.write(write, planned && this.#staged?.stage.staging(push.key, planned))
  }
  #writeRemoval(removal: Removal, planned?: OverlayEntry): Promise<boolean> {
    const write = removalWrite(this.#mesh, this.#actor, removal)
    return this.#target.write(write, planned && this.#staged?.stage.staging(removal.key, planned))
  }
  #origin(): WriteOrigin {
    const { provenance, taint } = this.#target.origin()
    return { provenance: this.#staged?.stage.derived(provenance) ?? provenance, taint }
  }

  get<K extends Key | string>(key: K, options: port.GetOptions = {}): Promise<KeyValue<K> | undefined> {
    return this.#calls.call('get_context', options, () => {
      checkOptions('get', options, ['maxAge', 'signal'])
      const text = checkedKey(key)
      const audited = this.#calls.audits('get_context', text)
      return this.#reads.value(text, options.maxAge, audited) as Promise<KeyValue<K> | undefined>
    })
  }

  getEntry<K extends Key | string>(key: K, options: port.Signal = {}): Promise<port.Entry<KeyValue<K>> | undefined> {
    return this.#calls.call('get_context', options, () => {
      checkOptions('getEntry', options, ['signal'])
      const text = checkedKey(key)
      const entry = this.#reads.entry(text, this.#calls.audits('get_context', text))
      return entry as Promise<port.Entry<KeyValue<K>> | undefined>
    })
  }

  getMany(keys: readonly (Key | string)[], options: port.Signal = {}): Promise<Map<string, Json>> {
    return this.#calls.call('get_context', options, () => {
      checkOptions('getMany', options, ['signal'])
      const texts = [...new Set(listOf('The keys of getMany', keys).map(checkedKey))]
      return this.#reads.values(texts, this.#calls.audits('get_context', ...texts))
    })
  }

  list(options: port.ListOptions = {}): Promise<Page<port.Entry>> {
    return this[listWithRight]('list_context', options)
  }
  [listWithRight](right: Right, options: port.ListOptions): Promise<Page<port.Entry>> {
    return this.#calls.call(right, options, async () => {
      const captured = capture(options)
      const query = parseListOptions('list', captured)
      const { items, cursor } = await this.#reads.list(captured, query, this.#calls.audits(right, listedOf(captured)))
      // The next page is a separate call, since rights and signals may have changed.
      return createPage(items, cursor, (next) => this[listWithRight](right, { ...captured, cursor: next }))
    })
  }

  keys(options: port.ListOptions = {}): Promise<Page<string>> {
    return this.#calls.call('list_context_keys', options, async () => {
      const captured = capture(options)
      const query = parseListOptions('keys', captured)
      const audited = this.#calls.audits('list_context_keys', listedOf(captured))
      const { items, cursor } = await this.#reads.keys(captured, query, audited)
      return createPage(items, cursor, (next) => this.keys({ ...captured, cursor: next }))
    })
  }

  update<K extends Key | string, V>(
    key: K,
    fn: (value: KeyValue<K> | undefined) => KeyInput<K, V> | Promise<KeyInput<K, V>>,
    options: Omit<port.PushOptions, 'ifVersion'> = {},
  ): Promise<port.Pushed & { readonly value: KeyValue<K> }> {
    return this.#calls.call('push_context', options, () => {
      checkUpdate(fn, options)
      const captured = capture(options)
      // The function of an update gets the value, so the right to read is needed too.
      this.#calls.require('get_context')
      const text = checkedKey(key)
      const audited = this.#calls.audits('get_context', text)
      const made = async (isRetry: boolean) => {
        const { value, ...current } = await this.#reads.current(text, isRetry, audited)
        return {
          ...current,
          value: await parsedValue(key, await fn(value as KeyValue<K> | undefined), this.#mesh.clock),
        }
      }
      const attempt = async (isRetry: boolean) => {
        const { version, value, taintDeclared, ...current } = await this.#calls.unlessAborted(
          'The update',
          options.signal,
          () => made(isRetry),
        )
        // A value that is derived from another one carries its labels.
        const own = captured.taint ? checkTaint(captured.taint, 'update.taint') : taintDeclared ? [] : undefined
        const terms = { ...captured, ...(own === undefined ? {} : { taint: own }), ifVersion: version }
        return { ...(await this.#push(text, value, terms, version === 0, current.taint)), value }
      }
      const terms = { user: this.#actor.user, key: text, signal: options.signal }
      return this.#staged ? retryInStep(terms, attempt) : retryUpdate(this.#mesh, terms, attempt)
    })
  }

  delete(key: Key | string, options: port.DeleteOptions = {}): Promise<boolean> {
    return this.#calls.call('delete_context', options, async () => {
      const removal = prepareRemoval(this.#mesh.core, key, options)
      if (this.#longWrites.begun) await this.#longWrites.begun
      if (!this.#staged) return this.#writeRemoval(removal)
      const planned = await this.#staged.stage.planRemoval(removal)
      return planned !== undefined && this.#writeRemoval(removal, planned)
    })
  }

  batch(
    operations: readonly port.BatchOperation[],
    options: { readonly atomic?: boolean } & port.Signal = {},
  ): Promise<readonly port.BatchOperationResult[]> {
    return this.#calls.call('batch_context_operation', options, async () => {
      const captured = parseBatch(operations, options)
      if (isLongValue(captured)) await nextMacrotask(this.#mesh.clock)
      if (this.#longWrites.begun) await this.#longWrites.begun
      if (!options.atomic) return oneByOne(captured, this, options.signal)
      const prepare = (operation: port.BatchOperation) =>
        prepareOperation(
          operation,
          this.#mesh.core,
          () => this.#origin(),
          (right) => this.#calls.require(right),
        )
      if (!this.#staged) return commitBatch(this.#mesh, this.#actor, captured, await prepareAll(captured, prepare))
      return stageBatch(captured, prepare, {
        ...this.#staged,
        audits: (key) => this.#calls.audits('get_context', key),
        writePush: (push, planned) => this.#writePush(push, planned),
        writeRemoval: (removal, planned) => this.#writeRemoval(removal, planned),
      })
    })
  }

  history(key: Key | string, options: port.HistoryOptions = {}): Promise<Page<port.HistoryEntry>> {
    return this.#calls.call('get_context', options, async () => {
      checkOptions('history', options, ['limit', 'cursor', 'signal'])
      checkPage(options)
      const text = checkedKey(key)
      const audited = this.#calls.audits('get_context', text)
      const captured = { ...options }
      const { signal: _, ...asked } = captured
      const call = (): CallName => ({ kind: 'history', name: canonicalJson([text, { ...asked }]) })
      const { items, cursor } = await this.#page<port.HistoryEntry>(call, () => {
        audited()
        return findHistory(this.#mesh, this.#actor, text, captured)
      })
      const { core } = this.#mesh
      for (const entry of items)
        if (this.#staged) this.#staged.stage.noteRead(text, entry)
        else noteLiveRead(core, text, entry)
      return createPage(items, cursor, (next) => this.history(text, { ...captured, cursor: next }))
    })
  }

  /** A page whose items are JSON. */
  async #page<T>(call: () => CallName, ask: () => Promise<FoundPage<T>>) {
    const { items, cursor } = await this.#target.answer(call, async () => {
      const page = await ask()
      return { items: page.items as readonly unknown[] as readonly Json[], cursor: page.cursor ?? null }
    })
    return { items: items as readonly unknown[] as readonly T[], cursor: cursor ?? undefined }
  }

  subscribe(topics: readonly string[], options: port.Signal = {}): Promise<void> {
    return this.#changeTopics('subscribe', topics, options)
  }

  unsubscribe(topics: readonly string[], options: port.Signal = {}): Promise<void> {
    return this.#changeTopics('unsubscribe', topics, options)
  }

  /** Subscriptions are not part of a turn: they apply at once, and only once if a step is executed again. */
  #changeTopics(what: keyof typeof topicChanges, topics: readonly string[], options: port.Signal): Promise<void> {
    const { right, change } = topicChanges[what]
    return this.#calls.call(right, options, async () => {
      checkOptions(what, options, ['signal'])
      const captured = [...listOf('The topics', topics)]
      await this.#once(`context.${what}`, captured, async () => {
        await change(this.#mesh.core, this.#actor, captured)
        return null
      })
    })
  }

  deleteTopic(topic: string, options: port.Signal = {}): Promise<port.DeletedTopic> {
    return this.#calls.call('delete_topic', options, async () => {
      checkOptions('deleteTopic', options, ['signal'])
      checkName('topic', topic)
      return this.#once('context.deleteTopic', topic, async () => {
        const deleted = await deleteTopic(this.#mesh.core, this.#actor, topic)
        this.#mesh.emit('topic.deleted', this.#actor, { topic })
        return { ...deleted }
      })
    })
  }

  async #once<T>(name: string, input: Json, run: () => Promise<Recordable<T>>): Promise<T> {
    let hasRun = false
    try {
      return await this.#target.once(name, input, () => {
        hasRun = true
        return run()
      })
    } catch (error) {
      if (!hasRun) this.#staged?.stage.noteReplayed(error)
      throw error
    }
  }

  topics(options: port.Signal = {}): Promise<readonly string[]> {
    return this.#calls.call(undefined, options, () => {
      checkOptions('topics', options, ['signal'])
      return this.#target.answer<readonly string[]>(
        () => ({ kind: 'topics', name: '' }),
        async () => (await this.#mesh.core.subscriptions(this.#actor)).map((grantee) => grantee.slice(1)),
      )
    })
  }

  discoverTopics(options: port.DiscoverOptions = {}): Promise<Page<port.TopicInfo>> {
    return this.#calls.call('discover_topics', options, async () => {
      checkOptions('discoverTopics', options, ['limit', 'cursor', 'names', 'signal'])
      checkPage(options)
      if (options.names !== undefined) checkFlag('names', options.names)
      const captured = { ...options }
      const { signal: _, ...asked } = captured
      const { items, cursor } = await this.#page<port.TopicInfo>(
        () => ({ kind: 'discoverTopics', name: canonicalJson({ ...asked }) }),
        () => discoverTopics(this.#mesh.core, this.#actor, captured),
      )
      return createPage(items, cursor, (next) => this.discoverTopics({ ...captured, cursor: next }))
    })
  }

  watch(options: port.WatchOptions = {}): AsyncIterable<port.WatchItem> {
    // A watch in a step is rejected, since the order of its items is not recorded.
    if (this.#staged) throw failure('context.watch')
    this.#calls.authorize('get_context', 'watch')
    const items = watchContext(this.#mesh, this.#actor, options)
    this.#calls.audits('get_context', options.pattern ?? '*')()
    return items
  }

  [isAllowed](right: Right): boolean {
    return this.#actor.access?.can(right) ?? true
  }
}

const topicChanges = {
  subscribe: { right: 'subscribe_to_topics', change: subscribe },
  unsubscribe: { right: 'unsubscribe_from_topics', change: unsubscribe },
} as const

/** The provenance of a write outside a step names the agent only, with the taint labels of the current caller. */
export const committingTarget = ({ core }: MeshServices, { agent }: Actor): WriteTarget =>
  new CommitNow(() => ({ provenance: { agent }, taint: core.callers?.taint ?? [] }))
