/**
 * A journal: the append-only record of a run or a step, with one writer. An append moves the head row and expects its
 * sequence number and owner epoch. A takeover is an append that increments the epoch.
 */
import type { Json } from '../core/index.ts'

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

/** Converts a body of an older release to the present form. The meaning of a released body never changes. */
export interface Upcaster {
  /** The version that the code reads and writes. */
  readonly version: number
  upcast(body: Json, from: number): Json
}
