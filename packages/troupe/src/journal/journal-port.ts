/**
 * A journal: the append-only record of a run or a step, with one writer. An append moves the head row and expects its
 * sequence number and owner epoch. A takeover is an append that increments the epoch.
 */
import type { Json, UserId } from '../core/index.ts'
import type { Fragment, Statement } from '../storage/index.ts'

/** `run:ID`, `step:RUN/BRANCH/STEP#n`, `session:THREAD#n`, or `message:ID#n` of a handler. */
export type JournalId = string
export type JournalKind = 'run' | 'step'

/** The limit of a read of all records: a number above that of the records of any journal. */
export const allRecords = 1_000_000

export interface JournalRecord {
  readonly seq: number
  /** In ms since 1970, set by the writer. Part of the record, so that a replay sees the same time. */
  readonly at: number
  readonly body: Json
}

/** A body that is already JSON text. Its creator has validated it. */
export class EncodedBody {
  readonly text: string
  #bytes: number | undefined
  constructor(text: string) {
    this.text = text
  }

  /** The length of the text in UTF-8. */
  get bytes(): number {
    this.#bytes ??= Buffer.byteLength(this.text)
    return this.#bytes
  }
}
export type Body = Json | EncodedBody

export interface JournalLimits {
  /** The numbers of records at which a warning is emitted and appends are rejected. A fan-out is one record. */
  readonly warnRecords: number
  readonly maxRecords: number
  readonly maxBytes: number
  /** The interval of snapshots: a resume reads at most this many records after one. */
  readonly snapshotEvery: number
}

/** Appends to one journal from a known head. It assumes that the change of each created fragment commits. */
export interface JournalWriter {
  readonly id: JournalId
  readonly user: UserId
  /** The sequence number of the newest record, including fragments that are not committed yet. */
  readonly head: number
  readonly epoch: number
  /**
   * @param options.closes the same statement closes the journal
   * @param options.last the end of the journal, or the result of an earlier claim: accepted also if the journal is full
   * @throws CapacityError `journal.full`
   */
  append(
    at: number,
    bodies: readonly Body[],
    options?: { readonly last?: boolean; readonly closes?: boolean },
  ): Fragment
  /** Returns the position of the writer. Pass it to `rewind` if the change of later fragments fails. */
  mark(): JournalMark
  rewind(mark: JournalMark): void
  /**
   * Appends results of effects after a cancel has fenced this writer. Rejected with `journal.lost` after a takeover.
   */
  appendFenced(at: number, bodies: readonly Body[]): Fragment
  /** Appends after the end of a closed or fenced journal, for results that become known later. */
  appendEnded(at: number, bodies: readonly Body[]): Fragment
  /** Returns true if the next append should include a snapshot. */
  snapshotDue(): boolean
  writeSnapshot(state: Body): Fragment
  /** Moves the head without a record, so that a change fails if this writer does not own the journal any more. */
  prove(): Fragment
}

export interface JournalMark {
  readonly head: number
  readonly bytes: number
  readonly snapshotAt: number
}

export interface JournalContent {
  readonly epoch: number
  readonly head: number
  readonly owner: string
  readonly closed: boolean
  readonly snapshot: { readonly seq: number; readonly state: Json } | undefined
  /** The epoch at which it was cancelled, if there was no takeover since. */
  readonly fenced: number | undefined
  /** The records after the snapshot. A takeover or a moved head leaves a gap in the sequence numbers. */
  readonly records: readonly JournalRecord[]
}

export interface CloseOptions {
  /** The journal is deleted with that of its run. */
  readonly isChild?: boolean
  readonly retentionMs?: number | undefined
  /** The change appends a record that closes it. */
  readonly isClosed?: boolean
}

export interface Journals {
  /** The newest version of records that this build reads and writes. */
  readonly form: number
  /** The retention of a closed journal, in ms. */
  readonly retentionMs: number
  /** Replaces the retention of ended journals, in ms. */
  setRetention(ms: number): void
  /**
   * Creates a journal with its first records. Fails with `journal.lost` if it exists.
   * @param options.closed it is created as closed
   * @param options.isChild it is deleted with the journal of its run
   * @param options.retentionMs its retention after its end, if it differs from that of other journals
   */
  create(
    user: UserId,
    id: JournalId,
    kind: JournalKind,
    at: number,
    bodies: readonly Body[],
    options?: { readonly closed?: boolean; readonly isChild?: boolean; readonly retentionMs?: number | undefined },
  ): { readonly writer: JournalWriter; readonly fragment: Fragment }
  load(user: UserId, id: JournalId): Promise<JournalContent | undefined>
  /** Returns the statement that rejects a change with `journal.lost` if the journal does not exist. */
  exists(user: UserId, id: JournalId): Statement
  /** Returns all stored records after a sequence number. */
  read(user: UserId, id: JournalId, after: number, limit: number): Promise<readonly JournalRecord[]>
  /**
   * Takes the journal over: increments the epoch in a separate change and returns the writer.
   * @param also expectations and rows of the calling module in the same change; their rejection is thrown with its code
   * @throws LeaseLostError `journal.lost` if another process took it over at the same time, or if it is closed
   * @throws NotFoundError `journal.unknown`
   */
  takeOver(
    user: UserId,
    id: JournalId,
    at: number,
    also?: readonly Statement[],
  ): Promise<{ readonly writer: JournalWriter; readonly content: JournalContent }>
  /**
   * Fences journals for the change that cancels: increments their epochs, so that their writers can only record effects. A
   * journal that does not exist is created as closed, so that no process can create it later.
   */
  fence(user: UserId, ids: readonly JournalId[]): Fragment
  /**
   * Appends a result after the end of a closed journal.
   * @returns undefined if the journal does not exist or is still open
   */
  amend(user: UserId, id: JournalId, bodies: readonly Body[]): Promise<Fragment | undefined>
  /** Closes a journal. It is deleted after its retention (`retentionMs` if given), or with the journal of its run (`isChild`). */
  close(user: UserId, id: JournalId, options?: CloseOptions): Fragment
  /** Closes existing journals as they are: no process continues them, and they are deleted after the given time. */
  abandon(user: UserId, ids: readonly JournalId[], retentionMs: number): Fragment
  /** Sets the retention of ended journals from now on. */
  retainEnded(user: UserId, ids: readonly JournalId[], retentionMs: number): Fragment
  /** Deletes closed journals after their retention, with their child journals. @returns the number of deleted journals */
  cleanup(limit: number): Promise<number>
}

/** Converts a body of an older release to the present form. The meaning of a released body never changes. */
export interface Upcaster {
  /** The version that the code reads and writes. */
  readonly version: number
  upcast(body: Json, from: number): Json
}
