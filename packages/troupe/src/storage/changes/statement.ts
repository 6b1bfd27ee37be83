/** One compiled statement of a change or a read, with its expected row count. */
import type { ErrorCode, Json } from '../../core/index.ts'
import type { Content } from '../content.ts'

/**
 * The storage's time. The adapter binds it inside the transaction, so that expiry and leases follow the storage's
 * clock.
 */
export interface Now {
  readonly $: 'now'
  /** Milliseconds that are added to the time; 0 by default. */
  readonly plusMs?: number
}
/** A value that a statement binds. */
export type Bind = string | number | bigint | Uint8Array | null | Now

/**
 * The number of rows that a statement must write or return: a number, a range, or the count of an earlier statement.
 */
export type Expect =
  | {
      /** The exact number of rows. */
      readonly rows: number
    }
  | {
      /** The least number of rows; 0 by default. */
      readonly min?: number
      /** The greatest number of rows; unlimited by default. */
      readonly max?: number
    }
  | {
      /** The index of an earlier statement of the change, whose number of rows is expected. */
      readonly sameAs: number
    }

/** The rows that a statement inserts, by which it can be joined with others of its template. */
export interface InsertedRows {
  /** The rows, as values of the template. */
  readonly values: readonly object[]
  /** Returns the statements that insert rows of this template; always the same function for one template. */
  readonly insert: (values: readonly object[]) => readonly Statement[]
}

/** Compiled SQL of the dialect. A read is a statement too; with an expectation it is a guard. */
export interface Statement {
  /** The SQL, with placeholders of the dialect. */
  readonly sql: string
  /** The values of the placeholders, in order. */
  readonly binds: readonly Bind[]
  /** The expected number of rows. Any number by default. */
  readonly expect?: Expect
  /** The error code of the rejection when the expectation fails; `storage.expectation` by default. */
  readonly otherwise?: ErrorCode
  /** Details that are added to the rejection; must not contain payloads. */
  readonly detail?: { readonly [key: string]: Json }
  /** Returns the rows (`RETURNING`, or a read). */
  readonly returns?: boolean
  /**
   * Each returned row (`owner`, `user_id`, `journal_id`, `arrivals`) is a hint, which is announced after the commit. If
   * the answer is lost, a change may be repeated only if it returns hints alone.
   */
  readonly hints?: true
  /** The values and columns that are encrypted if encryption is on; engines ignore them. */
  readonly content?: Content
  /** Present if the statement does nothing but insert rows; engines ignore it. */
  readonly rows?: InsertedRows
}
