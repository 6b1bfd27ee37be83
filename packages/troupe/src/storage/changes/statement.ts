/** One statement of a change or a read, compiled, with what is expected of it. */
import type { ErrorCode, Json } from '../../core/index.ts'
import type { Content } from '../content.ts'

/** Bound by the adapter inside the transaction, so that expiry and leases follow the storage's clock. */
export interface Now {
  readonly $: 'now'
  readonly plusMs?: number
}
export type Bind = string | number | bigint | Uint8Array | null | Now

/** How many rows a statement must touch (or, reading, give): a number, a range, or as many as an earlier statement. */
export type Expect =
  | { readonly rows: number }
  | { readonly min?: number; readonly max?: number }
  | { readonly sameAs: number }

/** Compiled SQL of the dialect. A read is a statement too: with an expectation it is a guard. */
export interface Statement {
  readonly sql: string
  readonly binds: readonly Bind[]
  /** Any number of rows by default. */
  readonly expect?: Expect
  /** The code of the refusal when the expectation fails; `storage.expectation` by default. */
  readonly otherwise?: ErrorCode
  /** Goes into the refusal; no payloads. */
  readonly detail?: { readonly [key: string]: Json }
  /** Give the rows back (`RETURNING`, or a read). */
  readonly returns?: boolean
  /**
   * Each row that it gives back (`owner`, `user_id`, `journal_id`, `arrivals`) is a hint, passed on after the commit. A
   * change that gives back nothing else may be repeated when its answer was lost.
   */
  readonly hints?: true
  /** Which of its values and columns are sealed where encryption is on; engines pay no heed to it. */
  readonly content?: Content
}
