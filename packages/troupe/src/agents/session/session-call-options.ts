/** The options that the calls of a session share. */
import type { TaintLabel } from '../../core/index.ts'

/** The options of a call of a session. */
export interface SessionCallOptions {
  /**
   * Cancels the call. The call rejects with CancelledError, and the open tool calls of the thread are answered as
   * aborted.
   */
  readonly signal?: AbortSignal
  /** The taint labels of the message: `untrusted:mail` for text of a stranger, `sensitive:payroll` for secret data. */
  readonly taint?: readonly TaintLabel[]
}
