/**
 * The shared knowledge of one user as an agent holds it: identity is bound once and is never an argument. Live hands and
 * the staged hands of a step stand behind this one shape.
 */
import type { Duration, Json, Page, Provenance, TaintLabel } from '../core/index.ts'
import type { Key, KeyValue } from './entries/define-key.ts'

/** Who may read. Naming any part replaces the whole; naming none keeps what is, and is everyone for a new entry. */
export interface AudienceOptions {
  readonly audience?: 'everyone' | 'owner'
  /** Agents by exact name, besides the owner. An empty list names nobody. */
  readonly subscribers?: readonly string[]
  /** Whoever is subscribed at the moment of reading. An empty list names nobody. */
  readonly topics?: readonly string[]
}

/** Who may write besides the owner and roles that may write everything. */
export type Writers = 'owner' | 'readers' | readonly string[]

export interface PushOptions extends AudienceOptions {
  readonly writers?: Writers
  /** Restarts at each push. */
  readonly ttl?: Duration
  /** `session`, `cache`, `temporary`, `daily`, `permanent`, or one of the troupe's own. */
  readonly lifecycle?: string
  /** The version it must have; 0 means only when absent. */
  readonly ifVersion?: number
  /** Travels with the entry, for programs. Kept when not named. */
  readonly metadata?: { readonly [key: string]: Json }
  /** What clings to the value besides what the step that pushes it has read: `untrusted:mail`, `sensitive:payroll`. */
  readonly taint?: readonly TaintLabel[]
  readonly signal?: AbortSignal
}

export interface Pushed {
  readonly key: string
  /** undefined for a staged push over something it can't see yet: the version is known when the turn commits. */
  readonly version: number | undefined
  /** Missing for a staged push. */
  readonly revision?: number
}

/** The audience as it stands. */
export type Audience =
  | 'everyone'
  | 'owner'
  | { readonly subscribers: readonly string[]; readonly topics: readonly string[] }

export interface Entry<T = Json> {
  readonly key: string
  readonly value: T
  readonly version: number
  /** Missing for what is staged. */
  readonly revision?: number
  readonly owner: string
  readonly audience: Audience
  readonly writers: Writers
  /** A name, `permanent`, or missing where only a ttl was given. */
  readonly lifecycle?: string
  readonly createdAt: string
  readonly updatedAt: string
  readonly expiresAt?: string
  readonly provenance: Provenance
  readonly taint: readonly TaintLabel[]
  readonly metadata?: { readonly [key: string]: Json }
}

export interface HistoryEntry<T = Json> extends Entry<T> {
  /** How this version ended; missing for the one that stands. */
  readonly ended?: 'replaced' | 'removed' | 'expired'
}

export interface ListOptions {
  readonly prefix?: string
  /** `*` is any run of characters, dots included; `?` is one. */
  readonly pattern?: string
  /** Entries that name one of these topics. */
  readonly topics?: readonly string[]
  /** 1 to 1,000 per page; 100 by default. */
  readonly limit?: number
  readonly cursor?: string
  readonly signal?: AbortSignal
}

export interface GetOptions {
  /** Answers from a cache of this age; the audience is checked now all the same, and one's own writes are seen. */
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
   * Resumes after the `position` of an item, also in the middle of a revision. A number is a revision of which everything
   * was seen. Without it, the watch gives what comes after the call.
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
      /** Where the item stands: `watch({ from: position })` gives what came after it. */
      readonly position: string
    }
  | {
      readonly type: 'removed' | 'left' | 'expired'
      readonly key: string
      readonly version?: number
      readonly revision: number
      readonly position: string
    }
  /** What came between is no longer kept: read again, then go on from this revision. */
  | { readonly type: 'resync'; readonly revision: number; readonly position: string }

export interface DiscoverOptions extends Signal {
  /** 1 to 1,000 per page; 100 by default. */
  readonly limit?: number
  readonly cursor?: string
  /** Tell who is subscribed, and not only how many. */
  readonly names?: boolean
}
export interface TopicInfo {
  readonly topic: string
  readonly subscribers: number
  /** Only where asked for. */
  readonly names?: readonly string[]
  /** Whether this agent may subscribe, and post. */
  readonly maySubscribe: boolean
  readonly mayPost: boolean
}
export interface DeletedTopic {
  readonly topic: string
  readonly subscribersAffected: number
  readonly entriesDeleted: number
}

export interface ContextClient {
  /** The agent whose hands these are; `host` for the host's. */
  readonly agent: string
  push<K extends Key | string>(key: K, value: KeyValue<K>, options?: PushOptions): Promise<Pushed>
  get<K extends Key | string>(key: K, options?: GetOptions): Promise<KeyValue<K> | undefined>
  getEntry<K extends Key | string>(key: K, options?: Signal): Promise<Entry<KeyValue<K>> | undefined>
  /** What is visible of these, by key. */
  getMany(keys: readonly (Key | string)[], options?: Signal): Promise<Map<string, Json>>
  list(options?: ListOptions): Promise<Page<Entry>>
  keys(options?: ListOptions): Promise<Page<string>>
  /**
   * Reads, which takes that right too, calls `fn` (again after a conflict) and writes only over what was read. Where the
   * signal aborts before `fn` has answered, nothing is written.
   */
  update<K extends Key | string>(
    key: K,
    fn: (value: KeyValue<K> | undefined) => KeyValue<K> | Promise<KeyValue<K>>,
    options?: Omit<PushOptions, 'ifVersion'>,
  ): Promise<Pushed & { readonly value: KeyValue<K> }>
  /** @returns false where nothing visible was there */
  delete(key: Key | string, options?: DeleteOptions): Promise<boolean>
  batch(
    operations: readonly BatchOperation[],
    options?: { readonly atomic?: boolean } & Signal,
  ): Promise<readonly BatchOperationResult[]>
  history(key: Key | string, options?: HistoryOptions): Promise<Page<HistoryEntry>>
  subscribe(topics: readonly string[], options?: Signal): Promise<void>
  unsubscribe(topics: readonly string[], options?: Signal): Promise<void>
  /** Those it is subscribed to, in order. */
  topics(options?: Signal): Promise<readonly string[]>
  /** The topics of the user, in order; without closed ones that this agent may neither read nor post to. */
  discoverTopics(options?: DiscoverOptions): Promise<Page<TopicInfo>>
  /**
   * Removes the entries for which it was the only audience; others lose the topic. A closed topic stays closed, unless the
   * host deletes it.
   * @throws NotFoundError `topic.missing`
   */
  deleteTopic(topic: string, options?: Signal): Promise<DeletedTopic>
  watch(options?: WatchOptions): AsyncIterable<WatchItem>
}
