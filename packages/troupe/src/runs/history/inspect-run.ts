/** The present state of a run, and what happens when it resumes. */
import type { Json, StoredError } from '../../core/index.ts'
import type { Breakpoint, Command, StepEnding } from '../machine/machine-events.ts'
import { pending } from '../machine/pending.ts'
import { type StateView, viewOf } from '../machine/state-view.ts'
import type { PastRun } from './past-run.ts'
import { type RunStateAt, runStateAt } from './run-state-at.ts'

export interface NextStep {
  readonly branch: string
  readonly step: string
  readonly agent: string
  readonly input: Json
}
export interface SuspendedFailure {
  readonly step: string
  readonly agent: string
  readonly error: StoredError
}
export interface Inspection extends RunStateAt {
  /** The breakpoint at which the run stands. */
  readonly breakpoint?: Breakpoint
  /** The child runs that have not ended. */
  readonly childRuns?: readonly Inspection[]
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
