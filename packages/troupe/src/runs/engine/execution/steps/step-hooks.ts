/** What a step that executes calls of its run. */
import type { StepEnd } from '../../../../journal/index.ts'
import type { CommitResult, Fragment } from '../../../../storage/index.ts'
import type { StepUsage } from '../../../machine/machine-events.ts'
import type { RunMessage } from '../../commands/run-message.ts'

/** Its journal or our own code is broken: executed again it would break the same way. */
export interface BrokenStep {
  readonly status: 'broken'
  readonly error: unknown
}
/** What a step calls of its run. */
export interface StepHooks {
  /** @param usage what the step has used so far */
  readonly ended: (end: StepEnd | BrokenStep, usage: StepUsage | undefined) => void
  /** Commits the end of the step with the next change of the run; undefined: it has to commit alone. */
  readonly commitEnd: (message: RunMessage, change: Fragment) => Promise<CommitResult | undefined>
}
