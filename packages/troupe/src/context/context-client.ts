/** The interface of the context for agents, inside and outside a step, with the types of its calls. */
import type { Duration, Json, Page, Provenance, TaintLabel } from '../core/index.ts'
import type { Key, KeyInput, KeyValue } from './entries/define-key.ts'

/**
 * The audience of a write. If any part is given, it replaces the complete audience. If none is given, the audience of
 * an existing entry stays, and a new entry is for everyone.
 */
export interface AudienceOptions {
  /** `everyone`: every agent of the user may read; `owner`: only the owner. Excludes `subscribers` and `topics`. */
  readonly audience?: 'everyone' | 'owner'
  /** The agents that may read, by exact name, besides the owner. An empty list names no agent. */
  readonly subscribers?: readonly string[]
  /**
   * The topics of the entry. An agent that is subscribed to one of them at the time of the read may read it. An empty
   * list names no topic.
   */
  readonly topics?: readonly string[]
}

/**
 * The agents that may write an entry. `owner`: only its owner; `readers`: every agent that may read it; a list: the
 * owner and these agents by name. Roles with the right to write every entry may always write.
 */
export type Writers = 'owner' | 'readers' | readonly string[]

/** Options of `push` and `update`. What is not given stays as it is in an existing entry. */
export interface PushOptions extends AudienceOptions {
  /** The agents that may write the entry; `owner` for a new entry by default. */
  readonly writers?: Writers
  /** The time to live, which restarts at each push. */
  readonly ttl?: Duration
  /** `session`, `cache`, `temporary`, `daily`, `permanent`, or a lifecycle of the configuration. */
  readonly lifecycle?: string
  /** The version that the entry must have; 0: the entry must not exist. */
  readonly ifVersion?: number
  /** Data for programs that is stored with the entry. Unchanged if not given. */
  readonly metadata?: { readonly [key: string]: Json }
  /**
   * Taint labels of the value, besides those of what the step has read: `untrusted:mail`, `sensitive:payroll`. A value that is
   * not for everyone counts as sensitive where `policy.private` says so, unless this is given: `[]` declares it not sensitive.
   */
  readonly taint?: readonly TaintLabel[]
  /**
   * If it is aborted before the call, the call rejects with CancelledError. A write that has started is not cancelled.
   */
  readonly signal?: AbortSignal
}

/** The result of `push`. */
export interface Pushed {
  /** The key of the entry. */
  readonly key: string
  /** Undefined for a staged push over an entry that the step cannot see: the version is known after the commit. */
  readonly version: number | undefined
  /** Absent for a staged push. */
  readonly revision?: number
}

/** The audience of an entry as stored: every agent, only its owner, or the named agents and topics. */
export type Audience =
  | 'everyone'
  | 'owner'
  | {
      /** The agents that may read, by name. */
      readonly subscribers: readonly string[]
      /** The topics whose subscribers may read. */
      readonly topics: readonly string[]
    }

/** An entry of the context: a value with its access rules and its origin. */
export interface Entry<T = Json> {
  /** The key, unique for the user. */
  readonly key: string
  /** The value, at most 8 MiB as JSON. */
  readonly value: T
  /** The number of the version. Each write under the key raises it, also after a deletion. */
  readonly version: number
  /** The revision of the user's context in which this version was written. Absent for a staged entry. */
  readonly revision?: number
  /** The agent that created the entry; `host` for the application. */
  readonly owner: string
  /** The agents that may read the entry, besides its owner. */
  readonly audience: Audience
  /** The agents that may write the entry. */
  readonly writers: Writers
  /** A name or `permanent`; absent if only a ttl was given. */
  readonly lifecycle?: string
  /** The time of the first version, in ISO 8601. */
  readonly createdAt: string
  /** The time of the last write, in ISO 8601. */
  readonly updatedAt: string
  /** The time at which the entry expires, in ISO 8601; absent if it does not expire. */
  readonly expiresAt?: string
  /** The agent, run, step and effect that wrote this version, with the entries that the step had read. */
  readonly provenance: Provenance
  /** The taint labels of the value; empty if it has none. */
  readonly taint: readonly TaintLabel[]
  /** Data for programs that was stored with the entry. */
  readonly metadata?: { readonly [key: string]: Json }
}

/** A current or earlier version of an entry. */
export interface HistoryEntry<T = Json> extends Entry<T> {
  /** How this version ended; absent for the current version. */
  readonly ended?: 'replaced' | 'removed' | 'expired'
}

/** Options of `list` and `keys`. An entry must pass all filters that are given. */
export interface ListOptions {
  /** Only keys that start with this text. */
  readonly prefix?: string
  /** A pattern of keys: `*` matches any characters, dots included; `?` matches one. */
  readonly pattern?: string
  /** Only entries that name one of these topics. */
  readonly topics?: readonly string[]
  /** 1 to 1,000 per page; 100 by default. */
  readonly limit?: number
  /** The `cursor` of the previous page; the first page by default. */
  readonly cursor?: string
  /** If the signal aborts, the call rejects with CancelledError. */
  readonly signal?: AbortSignal
}

/** Options of `get`. */
export interface GetOptions {
  /** Allows an answer from a cache of this age. The audience is still checked at the call, and own writes are visible. */
  readonly maxAge?: Duration
  /** If the signal aborts, the call rejects with CancelledError. */
  readonly signal?: AbortSignal
}

/** The option that every call has. */
export interface Signal {
  /** If the signal aborts, the call rejects with CancelledError. A write that has started is not cancelled. */
  readonly signal?: AbortSignal
}
/** Options of `delete`. */
export interface DeleteOptions extends Signal {
  /** The version that the entry must have, from 1; otherwise the call rejects with ConflictError. */
  readonly ifVersion?: number
}
/** Options of `history`. */
export interface HistoryOptions extends Signal {
  /** 1 to 1,000 versions per page; 100 by default. */
  readonly limit?: number
  /** The `cursor` of the previous page; the first page by default. */
  readonly cursor?: string
}
/** Options of `watch`. If the signal aborts, the watch ends. */
export interface WatchOptions extends Signal {
  /** Only keys that match: `*` matches any characters, `?` matches one. All keys by default. */
  readonly pattern?: string
  /**
   * Resumes after the `position` of an item, also in the middle of a revision. A number is a revision that was seen
   * completely. Without it, the watch yields changes after the call.
   */
  readonly from?: string | number
}

/** An operation of a batch. A signal is an option of the batch, not of an operation. */
export type BatchOperation =
  | ({
      readonly type: 'push'
      /** The key of the entry. */
      readonly key: Key | string
      /** The new value, at most 8 MiB as JSON. */
      readonly value: Json
    } & Omit<PushOptions, 'signal'>)
  | {
      readonly type: 'get'
      /** The key of the entry. */
      readonly key: Key | string
    }
  | {
      readonly type: 'delete'
      /** The key of the entry. */
      readonly key: Key | string
      /** The version that the entry must have, from 1. */
      readonly ifVersion?: number
    }

/** The error of an operation that failed. */
export interface BatchOperationError {
  /** The stable code of the error, such as `context.conflict`. */
  readonly code: string
  /** The message of the error. */
  readonly message: string
}
/** The result of one operation of a batch. */
export type BatchOperationResult =
  | {
      readonly type: 'push'
      /** The key of the entry. */
      readonly key: string
      readonly success: true
      /** The version that was written; undefined for a staged push over an entry that the step cannot see. */
      readonly version: number | undefined
      /** The revision of the change; absent for a staged push. */
      readonly revision?: number
    }
  | {
      readonly type: 'get'
      /** The key of the entry. */
      readonly key: string
      readonly success: true
      /** False if there is no entry that the agent may read. */
      readonly found: boolean
      /** The value; absent if the entry was not found. */
      readonly value?: Json
    }
  | {
      readonly type: 'delete'
      /** The key of the entry. */
      readonly key: string
      readonly success: true
      /** False if there was no entry that the agent may read. */
      readonly deleted: boolean
    }
  | {
      /** The type of the operation. */
      readonly type: string
      /** The key of the entry. */
      readonly key: string
      readonly success: false
      /** Why the operation failed. */
      readonly error: BatchOperationError
    }

/** An item of a watch: a change of one entry as the agent sees it, or `resync`. */
export type WatchItem =
  | {
      readonly type: 'put'
      /** The key of the entry. */
      readonly key: string
      /** The value that was written. */
      readonly value: Json
      /** The version that was written. */
      readonly version: number
      /** The revision of the change. */
      readonly revision: number
      /** The position of the item: `watch({ from: position })` yields the items after it. */
      readonly position: string
    }
  | {
      /** `removed`: the entry was deleted; `left`: the agent may not read it any more; `expired`: its time to live ended. */
      readonly type: 'removed' | 'left' | 'expired'
      /** The key of the entry. */
      readonly key: string
      /** The last version that the agent could read. */
      readonly version?: number
      /** The revision of the change. */
      readonly revision: number
      /** The position of the item: `watch({ from: position })` yields the items after it. */
      readonly position: string
    }
  /** Earlier changes are not stored any more: read the entries again and continue from this revision. */
  | {
      readonly type: 'resync'
      /** The revision at which the watch continues. */
      readonly revision: number
      /** The position of the item: `watch({ from: position })` yields the items after it. */
      readonly position: string
    }

/** Options of `discoverTopics`. */
export interface DiscoverOptions extends Signal {
  /** 1 to 1,000 per page; 100 by default. */
  readonly limit?: number
  /** The `cursor` of the previous page; the first page by default. */
  readonly cursor?: string
  /** Returns the names of the subscribers too, not only their number. */
  readonly names?: boolean
}
/** A topic of the user. */
export interface TopicInfo {
  /** The name of the topic. */
  readonly topic: string
  /** The number of subscribed agents. */
  readonly subscribers: number
  /** The names of the subscribed agents; present only if requested with `names: true`. */
  readonly names?: readonly string[]
  /** True if this agent may subscribe to the topic. */
  readonly maySubscribe: boolean
  /** True if this agent may name the topic in an audience. */
  readonly mayPost: boolean
}
/** The result of `deleteTopic`. */
export interface DeletedTopic {
  /** The name of the deleted topic. */
  readonly topic: string
  /** The number of agents whose subscription ended. */
  readonly subscribersAffected: number
  /** The number of deleted entries: those whose only audience the topic was. */
  readonly entriesDeleted: number
}

/**
 * The shared context of one user as an agent uses it. The identity of the agent is bound once and is never an argument.
 * In a step, the client stages writes: they commit with the turn, and the step itself reads them before.
 */
export interface ContextClient {
  /** The agent of this client; `host` for the application. */
  readonly agent: string
  /**
   * Writes an entry: creates it, or replaces its value.
   * @throws ValidationError for a value that JSON cannot carry exactly; `value.too_large` above 8 MiB
   * @throws AccessDeniedError if the agent may not write the entry or post to a topic
   * @throws ConflictError `context.conflict` if the entry does not have `ifVersion`
   * @throws CapacityError `context.quota` above the limits of the user
   */
  push<K extends Key | string, V = Json>(key: K, value: KeyInput<K, V>, options?: PushOptions): Promise<Pushed>
  /** Returns the value of an entry, or undefined if there is no entry that the agent may read. */
  get<K extends Key | string>(key: K, options?: GetOptions): Promise<KeyValue<K> | undefined>
  /** Returns an entry with its metadata, or undefined if there is no entry that the agent may read. */
  getEntry<K extends Key | string>(key: K, options?: Signal): Promise<Entry<KeyValue<K>> | undefined>
  /** Returns the visible entries of these keys, by key. */
  getMany(keys: readonly (Key | string)[], options?: Signal): Promise<Map<string, Json>>
  /** Returns a page of the entries that the agent may read, sorted by key. */
  list(options?: ListOptions): Promise<Page<Entry>>
  /** Returns a page of the keys of the entries that the agent may read, sorted. */
  keys(options?: ListOptions): Promise<Page<string>>
  /**
   * Reads the entry, calls `fn`, and writes the result over the version that was read; after a conflict it starts over.
   * It needs the rights to read and to write. If the signal aborts before `fn` has returned, nothing is written.
   * @throws ConflictError `context.contention` if conflicts continue for 30 s
   */
  update<K extends Key | string, V = Json>(
    key: K,
    fn: (value: KeyValue<K> | undefined) => KeyInput<K, V> | Promise<KeyInput<K, V>>,
    options?: Omit<PushOptions, 'ifVersion'>,
  ): Promise<
    Pushed & {
      /** The value that was written. */
      readonly value: KeyValue<K>
    }
  >
  /**
   * Deletes an entry. Returns false if there is no entry that the agent may read.
   * @throws AccessDeniedError if the agent is not the owner and may not delete entries of others
   * @throws ConflictError `context.conflict` if the entry does not have `ifVersion`
   */
  delete(key: Key | string, options?: DeleteOptions): Promise<boolean>
  /**
   * Executes at most 1,000 operations and returns their results in order. Without `atomic`, they are executed one after
   * the other, and one that fails is a result with `success: false`.
   * @throws ValidationError `value.too_large`: the operations have more than 8 MiB together
   */
  batch(
    operations: readonly BatchOperation[],
    options?: {
      /**
       * Commits all operations in one change; if one fails, none is executed, and the call rejects with
       * `error.results`. False by default.
       */
      readonly atomic?: boolean
    } & Signal,
  ): Promise<readonly BatchOperationResult[]>
  /**
   * Returns a page of the versions of an entry, oldest first. Versions of an earlier entry under the same key are shown
   * only to agents that its audience named.
   */
  history(key: Key | string, options?: HistoryOptions): Promise<Page<HistoryEntry>>
  /**
   * Subscribes the agent to topics, also in a step at once. Topics to which it is subscribed already are skipped.
   * @throws AccessDeniedError `topic.closed` if a policy does not allow the agent to subscribe
   * @throws CapacityError `topic.limit` above 256 subscriptions of the agent, or the configured limit
   */
  subscribe(topics: readonly string[], options?: Signal): Promise<void>
  /** Ends subscriptions of the agent, also in a step at once. Topics to which it is not subscribed are skipped. */
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
  /**
   * Yields each later change of entries that the agent may read, once and in the order of commits. The watch starts at
   * the call.
   * @throws ValidationError `context.watch` in a step
   */
  watch(options?: WatchOptions): AsyncIterable<WatchItem>
}
