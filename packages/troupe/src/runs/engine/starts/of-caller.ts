/**
 * Whether a caller from outside started a run or scheduled it. It is recorded, so that each process that continues the run
 * evaluates the expressions of its steps as those of a caller.
 */
import type { Callers } from '../../../security/index.ts'
import type { Pinned } from '../../machine/machine-events.ts'

/**
 * Returns the caller that started the current work, and executes the work of a run as work of the caller that started
 * the run.
 */
export type RunCallers = Pick<Callers, 'sourceFor' | 'withinRun'>

export const isOfCaller = ({ more }: Pick<Pinned, 'more'>): boolean =>
  (more as { readonly ofCaller?: boolean } | undefined)?.ofCaller === true

export const withCaller = (pinned: Pinned): Pinned => ({
  ...pinned,
  more: { ...(pinned.more as object | undefined), ofCaller: true },
})
