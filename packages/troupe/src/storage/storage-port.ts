/**
 * The storage port: it executes declarative changes and knows no room's meaning. All or nothing, no transaction ever
 * spans an `await` of a caller, and nowhere does a failing change fail its neighbours.
 */
import type { ErrorCode, Json, UserId } from '../core/index.ts'
import type { Statement } from './changes/statement.ts'
import type { Dialect } from './dialect.ts'

export type StorageScope = { readonly user: UserId } | { readonly work: true }
export type WorkQueue = 'timers' | 'outbox' | 'mailboxes' | 'cleanup' | 'schedules'

/** What watchers read: a change of context. `data` is the room's own, JSON text. */
export type FeedItem = {
  readonly kind: 'put' | 'removed' | 'audience' | 'subscription' | 'expired'
  readonly key: string
  readonly data: string
}

/** What one room contributes to a change. */
export interface Fragment {
  readonly statements: readonly Statement[]
  readonly feed?: readonly FeedItem[]
  readonly wake?: readonly WorkQueue[]
  /** Only one step writes these rows: its expectations hold for as long as its process has the step. */
  readonly isExclusive?: true
}

/** What commits together. */
export interface Change extends Fragment {
  /**
   * Makes it idempotent: the same id commits once within the retention of ids (24 h), and answers `repeated`.
   * null where a statement proves it already, as the head of a journal does.
   */
  readonly id: string | null
  /** The id was made for this one call: who has it to itself need not look for it before the first attempt. */
  readonly fresh?: true
  /** A user's change may also insert and delete rows of work tables; a work change touches nothing else. */
  readonly scope: StorageScope
  /**
   * For what says that a process is alive: it waits behind no other change, however many there are. Without an id it may
   * be done again where its answer was lost.
   */
  readonly urgent?: true
}

export type Row = Readonly<Record<string, string | number | bigint | Uint8Array | null>>

export type CommitResult =
  | {
      readonly ok: true
      /** Per statement: the rows of those that return, else empty. */
      readonly rows: readonly (readonly Row[])[]
      /** Per statement. */
      readonly affected: readonly number[]
      /** The user's new revision; null when the change had no feed items. */
      readonly revision: number | null
      /** The storage's time of the commit, ms since 1970. */
      readonly at: number
      /** It had been committed before: `rows` and `affected` are empty, nothing was done. */
      readonly repeated: boolean
    }
  | {
      readonly ok: false
      readonly code: ErrorCode
      /** Index of the statement whose expectation failed. */
      readonly statement: number
      readonly found: number
      readonly detail?: { readonly [key: string]: Json }
    }

export type FeedRow = FeedItem & {
  readonly revision: number
  readonly ordinal: number
  readonly at: number
}
export interface FeedPage {
  readonly items: readonly FeedRow[]
  /** The user's newest revision. */
  readonly head: number
  /** What came at or before this revision is no longer kept: who asks from below must resync. */
  readonly horizon: number
}

/** Something was put into the inbox of a journal. */
export interface InboxArrival {
  /** The process that owns the journal's run, to which alone the hint goes; empty where there is none: it goes to all. */
  readonly owner: string
  readonly user: UserId
  readonly journal: string
  /** How many came before and with it, of all journals that are counted together. */
  readonly arrivals: number
}

/** Content-free: somebody of this user changed context, or a queue or an inbox has work. May come late, twice or never. */
export type Hint =
  | { readonly user: UserId; readonly revision: number }
  | { readonly work: WorkQueue }
  | { readonly arrival: InboxArrival }

/**
 * Words between the processes that share a storage: seen by all who listen at that moment, not stored, maybe lost.
 * Every role of the server can read and send them: with encryption on they are encrypted and authenticated.
 */
export interface Broadcast {
  /** @param message at most `maxBroadcastBytes` of UTF-8; a longer one is dropped, and so is one of too many that wait */
  send(message: string): void
  /** What other processes sent. @returns a function that ends it */
  on(listener: (message: string) => void): () => void
  /** From now on hints addressed to this process arrive here; a second name replaces the first. */
  listenAs(owner: string): Promise<void>
  /** Undefined where nothing can be heard: behind a pooler, hints are found by looking each second. */
  line(): BroadcastConnection | undefined
}
/** The connection by which other processes are heard. */
export interface BroadcastConnection {
  readonly connected: boolean
  /** For so long it is connected, or not. */
  readonly forMs: number
}
/** A payload of NOTIFY has 8,000 bytes, quotes and names included. */
export const maxBroadcastBytes = 3_500

/** Must not throw, nor take long. */
export interface ChangeObserver {
  /** From now on reads may see it or not. */
  begins(change: Change): void
  /** From now on every read sees it, or none does. */
  ended(change: Change): void
  /** Nothing is read any more. */
  closed(): void
}

/** Of a storage that nobody else writes to: what was read may be kept until a change touches it. */
export interface SingleWriter {
  /** What `now` stands for, ms since 1970. */
  now(): number
  /** It hears of every change, whoever makes it. @returns a function that ends it */
  observe(observer: ChangeObserver): () => void
}

export interface StorageState {
  readonly state: 'open' | 'full' | 'failed' | 'closed'
  /** What is wrong, for people; absent while open. */
  readonly problem?: string
}

/** Figures for metrics, in bytes and rows. */
export interface StorageSizes {
  readonly database: number
  readonly writeAheadLog: number
  readonly free: number
  readonly tables: Readonly<Record<string, number>>
}

export interface Storage {
  readonly dialect: Dialect
  /** Where the data is, without secrets, for messages. */
  readonly location: string
  /** @throws storage.full, storage.io, troupe.closed; a failed expectation is a value, not a throw */
  commit(change: Change): Promise<CommitResult>
  /** All statements see one snapshot, which holds every change acknowledged before the call. */
  read(scope: StorageScope, statements: readonly Statement[]): Promise<readonly (readonly Row[])[]>
  feed(user: UserId, after: number, limit: number): Promise<FeedPage>
  /** Where several processes may share the storage; absent where one has it for itself. */
  readonly broadcast?: Broadcast
  /** Where one process has the storage for itself; absent where several may share it. */
  readonly singleWriter?: SingleWriter
  /** @returns a function that ends it */
  onHint(listener: (hint: Hint) => void): () => void
  state(): StorageState
  onState(listener: (state: StorageState) => void): () => void
  sizes(): Promise<StorageSizes>
  /** Waits for what was accepted, then lets go of the file. */
  close(): Promise<void>
}
