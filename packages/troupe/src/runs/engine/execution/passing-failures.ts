/** Failures of the environment of a step, which end neither the step nor its run. */
import { LeaseLostError, TroupeError } from '../../../core/index.ts'

const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof TroupeError && codes.includes(error.code)

/** The troupe is closing, or the user is being erased. */
export const isClosedFailure = (error: unknown): boolean => hasCode(error, 'troupe.closed', 'user.forgotten')

/** The storage or the lease failed, or only another release can continue the run. */
export const isPassingFailure = (error: unknown): boolean =>
  error instanceof LeaseLostError ||
  (error instanceof TroupeError && (error.retryable || error.code.startsWith('storage.'))) ||
  hasCode(error, 'journal.newer')
