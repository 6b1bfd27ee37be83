/**
 * A journal: the append-only record of a run or a step, with one writer. An append moves the head row from the
 * sequence and owner epoch it expects. Taking over is an append and raises the epoch.
 */
import type { Json, UserId } from '../core/index.ts'
import type { Fragment, Statement } from '../storage/index.ts'

/** `run:ID`, `step:RUN/BRANCH/STEP#n`, `session:THREAD#n`, `message:ID#n` of a handler. */
export type JournalId = string
export type JournalKind = 'run' | 'step'

export interface JournalRecord {
  readonly seq: number
  /** ms since 1970, as given by the writer: part of the record, so that a replay sees it. */
  readonly at: number
  readonly body: Json
}

/** A body that is JSON text already, checked by whoever made it. */
export class EncodedBody {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}
export type Body = Json | EncodedBody

export interface JournalLimits {
  /** Warn, and refuse, at so many records. A fan-out is one record. */
  readonly warnRecords: number
  readonly maxRecords: number
  readonly maxBytes: number
  /** A snapshot is taken so that a resume reads at most so many records after it. */
  readonly snapshotEvery: number
}

/** The right to write one journal, from a head that is known. Every fragment made counts on its change committing. */
export interface JournalWriter {
  readonly id: JournalId
  readonly user: UserId
  /** The newest record's sequence, fragments made but not yet committed included. */
  readonly head: number
  readonly epoch: number
  /**
   * @param options.last the journal's end, or the result of what was claimed before: taken though the journal is full
   * @throws CapacityError `journal.full`
   */
  append(at: number, bodies: readonly Body[], options?: { readonly last?: boolean }): Fragment
  /** Where this writer stands: taken before fragments are made, given to `rewind` when their change failed. */
  mark(): JournalMark
  rewind(mark: JournalMark): void
  /**
   * An append after this writer was fenced by a cancel and by nobody else: for results of effects alone. Refused with
   * `journal.lost` when another has taken over.
   */
  appendFenced(at: number, bodies: readonly Body[]): Fragment
  /** Behind the end of a journal that is closed or fenced: for what becomes known later. */
  appendEnded(at: number, bodies: readonly Body[]): Fragment
  /** True when the next append should bring the folded state along. */
  snapshotDue(): boolean
  snapshot(state: Body): Fragment
  /** Moves the head without a record, to prove in a change of another kind that this writer still owns the journal. */
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
  /** It was cancelled at this epoch, and nobody took over since. */
  readonly fenced: number | undefined
  /** Those after the snapshot. Sequences have gaps where a take-over or a proof stands. */
  readonly records: readonly JournalRecord[]
}

export interface Journals {
  /** The newest form of records that this build reads; what it writes has it. */
  readonly form: number
  /** ms for which a closed journal is kept. */
  readonly retentionMs: number
  /** Another time that ended journals are kept, in ms. */
  setRetention(ms: number): void
  /**
   * The first records and the head row; expects that the journal does not exist, else `journal.lost`.
   * @param options.closed ended with these records already
   * @param options.below goes with the journal of its run, not by itself
   * @param options.keptMs after its end, where it is kept for another time than the others
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
  /** All records after a sequence that are still kept, for readers. */
  read(user: UserId, id: JournalId, after: number, limit: number): Promise<readonly JournalRecord[]>
  /**
   * Becomes the writer: raises the epoch by an append of its own, in a change of its own.
   * @param also expectations and rows of the room above, in the same change; what refuses them is thrown with its code
   * @throws LeaseLostError `journal.lost` when somebody else did at the same moment, or it is closed
   * @throws NotFoundError `journal.unknown`
   */
  takeOver(
    user: UserId,
    id: JournalId,
    at: number,
    also?: readonly Statement[],
  ): Promise<{ readonly writer: JournalWriter; readonly content: JournalContent }>
  /**
   * For the change that cancels: raises the epochs of these journals, so that their writers can only record effects. One
   * that doesn't exist yet is made, closed, so that nobody can begin it late.
   */
  fence(user: UserId, ids: readonly JournalId[]): Fragment
  /**
   * For what becomes known of a journal that is over: appends it behind its end.
   * @returns undefined for a journal that does not exist, or that its writer may go on with
   */
  amend(user: UserId, id: JournalId, bodies: readonly Body[]): Promise<Fragment | undefined>
  /** Marks it ended: it goes with its retention, `retentionMs` where that is given, or `isChild` another with that one. */
  close(
    user: UserId,
    id: JournalId,
    options?: { readonly isChild?: boolean; readonly retentionMs?: number | undefined },
  ): Fragment
  /** Ends those that there are as they stand: nobody goes on with them, and they go after so long. */
  abandon(user: UserId, ids: readonly JournalId[], retentionMs: number): Fragment
  /** Of journals that have ended: they are kept for so long from now on. */
  retainEnded(user: UserId, ids: readonly JournalId[], retentionMs: number): Fragment
  /** Deletes closed journals after their retention with all below them, at most so many. @returns how many */
  cleanup(limit: number): Promise<number>
}

/** Turns a body written by an older release into today's form. Released bodies never change their meaning. */
export interface Upcaster {
  /** The form that the code writes and reads now. */
  readonly version: number
  upcast(body: Json, from: number): Json
}
