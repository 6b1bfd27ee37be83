/**
 * The port between the queue of changes and the writer: batches are sent, replies return in the same order. Both are
 * flat arrays of plain cells, because they are cloned into another thread. `storage/sqlite/writer/wire.ts` defines the
 * order of cells.
 */

/** Changes in one durable transaction, which may also include other waiting batches. */
export interface ChangeBatch {
  readonly kind: 'batch'
  /** The storage's time, ms since 1970. */
  readonly at: number
  /** The number of changes. */
  readonly changes: number
  /** The cells of the changes, one after the other. */
  readonly cells: readonly Cell[]
}
/** A value of a request to the writer. */
export type Cell =
  | string
  | number
  | bigint
  | Uint8Array
  | null
  | {
      readonly $: 'now'
      /** Milliseconds that are added to the storage's time; 0 by default. */
      readonly plusMs?: number
    }

/**
 * A part of one change that is too large for one synchronous section. Slices are executed as they arrive, in one
 * transaction that the last slice commits. No other request is sent between the first and the last, unless the change
 * was rejected; another request rolls an open transaction back.
 */
export interface ChangeSlice {
  readonly kind: 'slice'
  /** The storage's time, ms since 1970. */
  readonly at: number
  /** True for the first slice of a change, which begins the transaction. */
  readonly first: boolean
  /** True for the last slice, which commits it. */
  readonly last: boolean
  /** The cells of a change, with the id and the user in each slice. */
  readonly cells: readonly Cell[]
}

/** Tests after a failure whether writing works: writes durably on a fresh connection. */
export interface Probe {
  readonly kind: 'probe'
}
/** Returns free pages to the file system. */
export interface Vacuum {
  readonly kind: 'vacuum'
  /** The maximal number of pages. */
  readonly pages: number
}
/** A request to the writer. */
export type WriterRequest = ChangeBatch | ChangeSlice | Probe | Vacuum

/** The reason why no change of a batch is acknowledged. */
export type WriterProblem = 'full' | 'io' | 'corrupt' | 'read_only' | 'dead'

/** The reply of the writer to a request. */
export type WriterReply =
  | {
      readonly ok: true
      /** The cells of each change in order; for a slice those of its statements. */
      readonly cells: readonly ReplyCell[]
    }
  /** No change of this batch or of a later one may count as committed until a probe has succeeded. */
  | {
      readonly ok: false
      /** The kind of the problem. */
      readonly problem: WriterProblem
      /** The problem, for people. */
      readonly message: string
    }
export type WriterFailure = WriterReply & { readonly ok: false }
/** A value of a reply of the writer. */
export type ReplyCell = string | number | bigint | Uint8Array | null | readonly string[]

export interface WriterShell {
  /**
   * True if requests are executed in another thread: then batches may be sent before earlier ones are answered. A probe
   * or a vacuum is sent when no other request is in flight.
   */
  readonly threaded: boolean
  /** Never rejects; a failure is in the reply. */
  send(request: WriterRequest): Promise<WriterReply>
  /** Closes the database; the last request must have been answered. */
  close(): Promise<void>
}
