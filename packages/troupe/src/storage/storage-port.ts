/**
 * The storage port: executes declarative changes without knowledge of any module. A change is committed completely or
 * not at all. No transaction spans an `await` of a caller, and a failing change never fails other changes.
 */
import type { ErrorCode, Json, UserId } from '../core/index.ts'
import type { Statement } from './changes/statement.ts'
import type { Dialect } from './dialect.ts'

/** What a change or a read may touch: the rows of one user, or the work tables, which have no content. */
export type StorageScope =
  | {
      /** The user whose rows are touched. */
      readonly user: UserId
    }
  | { readonly work: true }
/** A queue of work that a hint can name. */
export type WorkQueue = 'timers' | 'outbox' | 'mailboxes' | 'cleanup' | 'schedules'

/** A change of context, as watchers read it. */
export type FeedItem = {
  /**
   * What happened: an entry was written, deleted, got another audience, a subscription changed, or an entry expired.
   */
  readonly kind: 'put' | 'removed' | 'audience' | 'subscription' | 'expired'
  /** The key of the entry; empty for a subscription. */
  readonly key: string
  /** Text of the module that wrote the item. */
  readonly data: string
}

/** The part that one module contributes to a change. */
export interface Fragment {
  /** The statements, in order. */
  readonly statements: readonly Statement[]
  /** The feed items; none by default. They get the user's next revision. */
  readonly feed?: readonly FeedItem[]
  /** The queues that have work after the commit; none by default. */
  readonly wake?: readonly WorkQueue[]
  /** Only one step writes these rows: its expectations hold for as long as its process owns the step. */
  readonly isExclusive?: true
}

/** Statements and feed items that commit together. */
export interface Change extends Fragment {
  /**
   * The id that makes the change idempotent. Within the retention of ids (24 h) it commits once; repeated calls answer
   * `repeated`. null if a statement ensures this already, like the head of a journal.
   */
  readonly id: string | null
  /** The id was made for this call alone, so it need not be looked up before the first attempt. */
  readonly fresh?: true
  /** A user's change may also insert and delete rows of work tables; a work change writes only work tables. */
  readonly scope: StorageScope
  /**
   * For changes that show that a process is alive: an urgent change does not wait for other changes. Without an id it
   * may be executed again if its answer is lost.
   */
  readonly urgent?: true
}

/** A row of a result, by column. */
export type Row = Readonly<Record<string, string | number | bigint | Uint8Array | null>>

/** The result of a change. A failed expectation is a result with `ok: false`; nothing was changed then. */
export type CommitResult =
  | {
      readonly ok: true
      /** Per statement: the returned rows, empty for statements that return none. */
      readonly rows: readonly (readonly Row[])[]
      /** Per statement: the number of rows. */
      readonly affected: readonly number[]
      /** The user's new revision; null if the change had no feed items. */
      readonly revision: number | null
      /** The storage's time of the commit, ms since 1970. */
      readonly at: number
      /** The change had been committed before: `rows` and `affected` are empty, and this call had no effect. */
      readonly repeated: boolean
    }
  | {
      readonly ok: false
      /** The code of the rejection: `otherwise` of the statement, `storage.expectation` by default. */
      readonly code: ErrorCode
      /** The index of the statement whose expectation failed. */
      readonly statement: number
      /** The number of rows that the statement found. */
      readonly found: number
      /** The details of the statement; absent if it has none. */
      readonly detail?: { readonly [key: string]: Json }
    }

/** A stored feed item. */
export type FeedRow = FeedItem & {
  /** The revision of the change, which all items of a change have. */
  readonly revision: number
  /** The position of the item within its revision, from 0. */
  readonly ordinal: number
  /** The storage's time of the commit, in ms since 1970. */
  readonly at: number
}
/** A page of the change feed of a user. */
export interface FeedPage {
  /** The items after the requested revision, in order. */
  readonly items: readonly FeedRow[]
  /** The user's newest revision. */
  readonly head: number
  /** Items up to this revision are removed; a reader that starts below it must resync. */
  readonly horizon: number
}

/** An item was added to the inbox of a journal. */
export interface InboxArrival {
  /** The process that owns the journal's run and alone receives the hint. If empty, all processes receive it. */
  readonly owner: string
  /** The user of the journal. */
  readonly user: UserId
  /** The id of the journal. */
  readonly journal: string
  /** The number of arrivals up to and including this one, over all journals that are counted together. */
  readonly arrivals: number
}

/**
 * A notification without content: the user's context changed, or a queue or inbox has work. May be late, duplicated or
 * lost.
 */
export type Hint =
  | {
      /** The user whose context changed. */
      readonly user: UserId
      /** The user's new revision. */
      readonly revision: number
    }
  | {
      /** The queue that has work. */
      readonly work: WorkQueue
    }
  | {
      /** The arrival in an inbox. */
      readonly arrival: InboxArrival
    }
  | {
      /** The answers to changes were lost, and these may have been committed: each listener reads what it waits for. */
      readonly missed: true
    }

/**
 * Messages between the processes of a storage. The processes that listen at that moment receive them; messages are not
 * stored and may be lost. Every role of the server can read and send them. With encryption on they are encrypted and
 * authenticated.
 */
export interface Broadcast {
  /**
   * @param message at most `maxBroadcastBytes` of UTF-8; a longer message is dropped, and so is the oldest of too many
   */
  send(message: string): void
  /** Subscribes to messages of other processes. @returns a function that ends the subscription */
  on(listener: (message: string) => void): () => void
  /** Receives the hints addressed to this process from now on; a second name replaces the first. */
  listenAs(owner: string): Promise<void>
  /**
   * Returns undefined if there is no connection for messages: behind a pooler hints are found by a poll each second.
   */
  line(): BroadcastConnection | undefined
}
/** The connection on which messages of other processes arrive. */
export interface BroadcastConnection {
  /** True while messages of other processes arrive. */
  readonly connected: boolean
  /** The time in ms since the connection was made or lost. */
  readonly forMs: number
}
/** A NOTIFY payload has 8,000 bytes at most, including quotes and names. */
export const maxBroadcastBytes = 3_500

/** Observes changes. Its methods must not throw or take long. */
export interface ChangeObserver {
  /** From now on a read may or may not see the change. */
  begins(change: Change): void
  /** From now on every read sees the change, or none does. */
  ended(change: Change): void
  /** No more reads are served. */
  closed(): void
}

/** A storage that only this process writes to: values may be cached until a change modifies them. */
export interface SingleWriter {
  /** The value of `now`, ms since 1970. */
  now(): number
  /** Observes every change of the process. @returns a function that ends the observation */
  observe(observer: ChangeObserver): () => void
}

/** The state of a storage. */
export interface StorageState {
  /**
   * `open`: it works; `full`: the disk is full; `failed`: it does not work, and is probed until it does; `closed`: it
   * is closed.
   */
  readonly state: 'open' | 'full' | 'failed' | 'closed'
  /** The problem as text for people; absent while open. */
  readonly problem?: string
}

/** The sizes of a storage, for metrics. */
export interface StorageSizes {
  /** The size of the database, in bytes. */
  readonly database: number
  /** The size of the write-ahead log, in bytes; 0 on PostgreSQL, where it belongs to the server. */
  readonly writeAheadLog: number
  /** The size of the free pages of the database, in bytes; 0 on PostgreSQL. */
  readonly free: number
  /** The number of rows of each table, by its name. */
  readonly tables: Readonly<Record<string, number>>
}

/**
 * The storage port: executes declarative changes without knowledge of any module. A change is committed completely or
 * not at all. No transaction spans an `await` of a caller, and a failing change never fails other changes.
 */
export interface Storage {
  /** The SQL dialect, which compiles the statements. */
  readonly dialect: Dialect
  /** The location of the data for messages, without secrets. */
  readonly location: string
  /** @throws storage.full, storage.io, troupe.closed; a failed expectation is a value, not an error */
  commit(change: Change): Promise<CommitResult>
  /** Executes all statements on one snapshot, which contains every change acknowledged before the call. */
  read(scope: StorageScope, statements: readonly Statement[]): Promise<readonly (readonly Row[])[]>
  /**
   * Returns a page of the feed of a user after a revision: complete revisions of at most `limit` items together, or one
   * longer revision.
   */
  feed(user: UserId, after: number, limit: number): Promise<FeedPage>
  /** Present if several processes may share the storage. */
  readonly broadcast?: Broadcast
  /** Present if only one process can use the storage. */
  readonly singleWriter?: SingleWriter
  /** Subscribes to hints. @returns a function that ends the subscription */
  onHint(listener: (hint: Hint) => void): () => void
  /** Returns the state now. */
  state(): StorageState
  /** Calls the listener at each change of the state. @returns a function that ends the subscription */
  onState(listener: (state: StorageState) => void): () => void
  /** Reads the sizes, for metrics. */
  sizes(): Promise<StorageSizes>
  /** Waits for the accepted changes, then closes the storage. */
  close(): Promise<void>
}
