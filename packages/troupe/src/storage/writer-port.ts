/**
 * What stands between the queue of changes and whoever executes them: batches go in, replies come out in their order.
 * Both are flat arrays of plain cells, for they are cloned into another thread; their order is in `storage/sqlite/writer/wire.ts`.
 */

/** Changes that share one durable transaction, with those of other batches that wait when they are executed. */
export interface ChangeBatch {
  readonly kind: 'batch'
  /** The storage's time, ms since 1970. */
  readonly at: number
  readonly changes: number
  readonly cells: readonly Cell[]
}
export type Cell = string | number | bigint | Uint8Array | null | { readonly $: 'now'; readonly plusMs?: number }

/**
 * Statements and feed items of one change that is too large for one synchronous section. They are executed as they come,
 * in a transaction of their own that the last slice commits. Nothing else is sent between the first and the last, unless
 * the change was refused; what comes instead takes an open transaction back.
 */
export interface ChangeSlice {
  readonly kind: 'slice'
  /** The storage's time, ms since 1970. */
  readonly at: number
  readonly first: boolean
  readonly last: boolean
  /** As those of a change, with the id and the user in each slice. */
  readonly cells: readonly Cell[]
}

/** Writes a little, durably, on a fresh connection after a failure: whether writing works again. */
export interface Probe {
  readonly kind: 'probe'
}
/** Gives free pages back to the file system, at most so many. */
export interface Vacuum {
  readonly kind: 'vacuum'
  readonly pages: number
}
export type WriterRequest = ChangeBatch | ChangeSlice | Probe | Vacuum

/** Why nothing of a batch is acknowledged. */
export type WriterProblem = 'full' | 'io' | 'corrupt' | 'read_only' | 'dead'

export type WriterReply =
  /** Per change its cells, in order; for a slice those of its statements. */
  | { readonly ok: true; readonly cells: readonly ReplyCell[] }
  /** None of the batch may be taken for committed; nor of any later one, until a probe has succeeded. */
  | { readonly ok: false; readonly problem: WriterProblem; readonly message: string }
export type WriterFailure = WriterReply & { readonly ok: false }
export type ReplyCell = string | number | bigint | Uint8Array | null | readonly string[]

export interface WriterShell {
  /**
   * True where requests are executed elsewhere, meanwhile: then batches may be sent before earlier ones are answered. A
   * probe or a vacuum is sent when nothing else is on its way.
   */
  readonly threaded: boolean
  /** Never rejects: what went wrong is in the reply. */
  send(request: WriterRequest): Promise<WriterReply>
  /** Lets go of the database; the last request has been answered. */
  close(): Promise<void>
}
