/** The present state of a run, and what happens when it resumes. */
import type { Json, StoredError } from '../../core/index.ts'
import type { Breakpoint, Command, StepEnding } from '../machine/machine-events.ts'
import { pending } from '../machine/pending.ts'
import { type StateView, viewOf } from '../machine/state-view.ts'
import type { PastRun } from './past-run.ts'
import { type RunStateAt, runStateAt } from './run-state-at.ts'

/** A step that starts when the run resumes. */
export interface NextStep {
  /** The id of the branch. */
  readonly branch: string
  /** The id that the step will have. */
  readonly step: string
  /** The name of the agent. */
  readonly agent: string
  /** The input of the step, which `run.edit` can replace. */
  readonly input: Json
}
/** A failure that a breakpoint holds. */
export interface SuspendedFailure {
  /** The id of the failed step. */
  readonly step: string
  /** The name of the agent. */
  readonly agent: string
  /** The error. */
  readonly error: StoredError
}
/** The state of a run, and what happens when it resumes. */
export interface Inspection extends RunStateAt {
  /** The breakpoint at which the run is paused; absent if it is not paused at one. */
  readonly breakpoint?: Breakpoint
  /** The child runs that have not ended; absent for none. */
  readonly childRuns?: readonly Inspection[]
  /** What happens when the run resumes. */
  readonly next: {
    /** The steps that start next, in their order, as far as the concurrency limit allows. */
    readonly steps: readonly NextStep[]
    /** The failures that take effect unless `edit` provides a result. */
    readonly failures: readonly SuspendedFailure[]
    /** The commands that are in progress. */
    readonly pending: readonly Command[]
  }
}

export function inspectRun(past: PastRun): Inspection {
  const seq = past.events.length
  const state = past.stateAt(seq)
  const view = viewOf(state)
  const { breakpoint } = view
  return {
    ...runStateAt(past, seq),
    ...(breakpoint ? { breakpoint } : {}),
    next: { steps: nextSteps(view), failures: suspendedFailures(view), pending: [...pending(state)] },
  }
}

const nextSteps = (view: StateView): readonly NextStep[] =>
  [...view.branches()]
    .filter(({ status }) => status === 'ready')
    .sort((a, b) => a.ticket - b.ticket)
    .map(({ id, node, steps, input }) => {
      return { branch: id, step: `${id}#${steps + 1}`, agent: view.agentAt(node), input }
    })

const suspendedFailures = (view: StateView): readonly SuspendedFailure[] =>
  [...view.steps()].flatMap(({ id, agent, suspendedEnding }) => {
    const { error } = (suspendedEnding ?? {}) as Partial<Extract<StepEnding, { readonly error: StoredError }>>
    return error ? [{ step: id, agent, error }] : []
  })
