/** Failures of the environment of a step, which end neither the step nor its run. */
import { LeaseLostError, TroupeError } from './troupe-error.ts'

const hasCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof TroupeError && codes.includes(error.code)

/** The troupe is closing, or the user is being erased. */
export const isClosedFailure = (error: unknown): boolean => hasCode(error, 'troupe.closed', 'user.forgotten')

/** The storage or the lease failed, or the troupe is closing: the code that made the call did not cause the failure. */
export const isEnvironmentFailure = (error: unknown): boolean =>
  error instanceof LeaseLostError ||
  (error instanceof TroupeError && error.code.startsWith('storage.')) ||
  isClosedFailure(error)

/** The storage or the lease failed, or only another release can continue the run. */
export const isPassingFailure = (error: unknown): boolean =>
  isEnvironmentFailure(error) || (error instanceof TroupeError && error.retryable) || hasCode(error, 'journal.newer')
