/**
 * The shared context of one user as an agent uses it. The identity of the agent is bound once and is never an argument. The
 * client outside a step and the client of a step, which stages writes, have this interface.
 */
import type { Duration, Json, Page, Provenance, TaintLabel } from '../core/index.ts'
import type { Key, KeyValue } from './entries/define-key.ts'

/** The audience. If any part is given, it replaces the complete audience. If none is given, the audience stays; a new entry is for everyone. */
export interface AudienceOptions {
  readonly audience?: 'everyone' | 'owner'
  /** The agents that may read, by exact name, besides the owner. An empty list names no agent. */
  readonly subscribers?: readonly string[]
  /** The agents that are subscribed to one of these topics at the time of the read may read. An empty list names no agent. */
  readonly topics?: readonly string[]
}

/** The agents that may write, besides the owner and roles with the right to write every entry. */
export type Writers = 'owner' | 'readers' | readonly string[]

export interface PushOptions extends AudienceOptions {
  readonly writers?: Writers
  /** The time to live, which restarts at each push. */
  readonly ttl?: Duration
  /** `session`, `cache`, `temporary`, `daily`, `permanent`, or a lifecycle of the configuration. */
  readonly lifecycle?: string
  /** The version that the entry must have; 0: the entry must not exist. */
  readonly ifVersion?: number
  /** Data for programs that is stored with the entry. Unchanged if not given. */
  readonly metadata?: { readonly [key: string]: Json }
  /** Taint labels of the value, besides those of what the step has read: `untrusted:mail`, `sensitive:payroll`. */
  readonly taint?: readonly TaintLabel[]
  readonly signal?: AbortSignal
}

export interface Pushed {
  readonly key: string
  /** Undefined for a staged push over an entry that the step cannot see: the version is known after the commit. */
  readonly version: number | undefined
  /** Absent for a staged push. */
  readonly revision?: number
}

/** The current audience. */
export type Audience =
  | 'everyone'
  | 'owner'
  | { readonly subscribers: readonly string[]; readonly topics: readonly string[] }

export interface Entry<T = Json> {
  readonly key: string
  readonly value: T
  readonly version: number
  /** Absent for a staged entry. */
  readonly revision?: number
  readonly owner: string
  readonly audience: Audience
  readonly writers: Writers
  /** A name or `permanent`; absent if only a ttl was given. */
  readonly lifecycle?: string
  readonly createdAt: string
  readonly updatedAt: string
  readonly expiresAt?: string
  readonly provenance: Provenance
  readonly taint: readonly TaintLabel[]
  readonly metadata?: { readonly [key: string]: Json }
}

export interface HistoryEntry<T = Json> extends Entry<T> {
  /** How this version ended; absent for the current version. */
  readonly ended?: 'replaced' | 'removed' | 'expired'
}

export interface ListOptions {
  readonly prefix?: string
  /** A pattern of keys: `*` matches any characters, dots included; `?` matches one. */
  readonly pattern?: string
  /** Only entries that name one of these topics. */
  readonly topics?: readonly string[]
  /** 1 to 1,000 per page; 100 by default. */
  readonly limit?: number
  readonly cursor?: string
  readonly signal?: AbortSignal
}

export interface GetOptions {
  /** Allows an answer from a cache of this age. The audience is still checked at the call, and own writes are visible. */
  readonly maxAge?: Duration
  readonly signal?: AbortSignal
}

export interface Signal {
  readonly signal?: AbortSignal
}
export interface DeleteOptions extends Signal {
  readonly ifVersion?: number
}
export interface HistoryOptions extends Signal {
  readonly limit?: number
  readonly cursor?: string
}
export interface WatchOptions extends Signal {
  readonly pattern?: string
  /**
   * Resumes after the `position` of an item, also in the middle of a revision. A number is a revision that was seen
   * completely. Without it, the watch yields changes after the call.
   */
  readonly from?: string | number
}

export type BatchOperation =
  | ({ readonly type: 'push'; readonly key: Key | string; readonly value: Json } & Omit<PushOptions, 'signal'>)
  | { readonly type: 'get'; readonly key: Key | string }
  | { readonly type: 'delete'; readonly key: Key | string; readonly ifVersion?: number }

export interface BatchOperationError {
  readonly code: string
  readonly message: string
}
/** One per operation, in order. */
export type BatchOperationResult =
  | {
      readonly type: 'push'
      readonly key: string
      readonly success: true
      readonly version: number | undefined
      readonly revision?: number
    }
  | {
      readonly type: 'get'
      readonly key: string
      readonly success: true
      readonly found: boolean
      readonly value?: Json
    }
  | { readonly type: 'delete'; readonly key: string; readonly success: true; readonly deleted: boolean }
  | { readonly type: string; readonly key: string; readonly success: false; readonly error: BatchOperationError }

export type WatchItem =
  | {
      readonly type: 'put'
      readonly key: string
      readonly value: Json
      readonly version: number
      readonly revision: number
      /** The position of the item: `watch({ from: position })` yields the items after it. */
      readonly position: string
    }
  | {
      readonly type: 'removed' | 'left' | 'expired'
      readonly key: string
      readonly version?: number
      readonly revision: number
      readonly position: string
    }
  /** Earlier changes are not stored any more: read the entries again and continue from this revision. */
  | { readonly type: 'resync'; readonly revision: number; readonly position: string }

export interface DiscoverOptions extends Signal {
  /** 1 to 1,000 per page; 100 by default. */
  readonly limit?: number
  readonly cursor?: string
  /** Returns the names of the subscribers too, not only their number. */
  readonly names?: boolean
}
export interface TopicInfo {
  readonly topic: string
  readonly subscribers: number
  /** Present only if requested. */
  readonly names?: readonly string[]
  /** Whether this agent may subscribe and write to the topic. */
  readonly maySubscribe: boolean
  readonly mayPost: boolean
}
export interface DeletedTopic {
  readonly topic: string
  readonly subscribersAffected: number
  readonly entriesDeleted: number
}

export interface ContextClient {
  /** The agent of this client; `host` for the application. */
  readonly agent: string
  push<K extends Key | string>(key: K, value: KeyValue<K>, options?: PushOptions): Promise<Pushed>
  get<K extends Key | string>(key: K, options?: GetOptions): Promise<KeyValue<K> | undefined>
  getEntry<K extends Key | string>(key: K, options?: Signal): Promise<Entry<KeyValue<K>> | undefined>
  /** Returns the visible entries of these keys, by key. */
  getMany(keys: readonly (Key | string)[], options?: Signal): Promise<Map<string, Json>>
  list(options?: ListOptions): Promise<Page<Entry>>
  keys(options?: ListOptions): Promise<Page<string>>
  /**
   * Reads the entry, calls `fn`, and writes the result over the version that was read; after a conflict it starts again. It
   * needs the rights to read and to write. If the signal aborts before `fn` has returned, nothing is written.
   */
  update<K extends Key | string>(
    key: K,
    fn: (value: KeyValue<K> | undefined) => KeyValue<K> | Promise<KeyValue<K>>,
    options?: Omit<PushOptions, 'ifVersion'>,
  ): Promise<Pushed & { readonly value: KeyValue<K> }>
  /** @returns false if there was no visible entry */
  delete(key: Key | string, options?: DeleteOptions): Promise<boolean>
  batch(
    operations: readonly BatchOperation[],
    options?: { readonly atomic?: boolean } & Signal,
  ): Promise<readonly BatchOperationResult[]>
  history(key: Key | string, options?: HistoryOptions): Promise<Page<HistoryEntry>>
  subscribe(topics: readonly string[], options?: Signal): Promise<void>
  unsubscribe(topics: readonly string[], options?: Signal): Promise<void>
  /** Returns the topics to which the agent is subscribed, in order. */
  topics(options?: Signal): Promise<readonly string[]>
  /** Returns the topics of the user in order, without closed topics that this agent may neither read nor write to. */
  discoverTopics(options?: DiscoverOptions): Promise<Page<TopicInfo>>
  /**
   * Deletes a topic and the entries whose only audience it was; other entries lose the topic. A closed topic stays closed,
   * unless the application deletes it.
   * @throws NotFoundError `topic.missing`
   */
  deleteTopic(topic: string, options?: Signal): Promise<DeletedTopic>
  watch(options?: WatchOptions): AsyncIterable<WatchItem>
}
