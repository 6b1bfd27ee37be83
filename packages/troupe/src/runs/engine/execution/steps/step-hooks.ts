/** The functions of its run that an executing step calls. */
import type { StepEnd } from '../../../../journal/index.ts'
import type { CommitResult, Fragment } from '../../../../storage/index.ts'
import type { StepUsage, Tripped } from '../../../machine/machine-events.ts'
import type { RunMessage } from '../../commands/run-message.ts'

/** The journal of the step or the library is broken: another execution would fail the same way. */
export interface BrokenStep {
  readonly status: 'broken'
  readonly error: unknown
}
/** The report of one execution of a step so far. */
export type StepProgress = { readonly usage: StepUsage | undefined } & Tripped

/** The functions of a run for its steps. */
export interface StepHooks {
  /**
   * @param soFar what the step has used, and its trips of guardrails
   * @param isLatest returns false once a later execution has begun, which reports its own end
   */
  readonly ended: (end: StepEnd | BrokenStep, soFar: StepProgress, isLatest: () => boolean) => void
  /** Commits the end of the step with the next change of the run; undefined if the step must commit alone. */
  readonly commitEnd: (message: RunMessage, change: Fragment) => Promise<CommitResult | undefined>
}
