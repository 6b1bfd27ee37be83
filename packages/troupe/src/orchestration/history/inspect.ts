/** How a run stands now, and what happens when it goes on. */
import type { Json, StoredError } from '../../core/index.ts'
import type { Breakpoint, Command, StepEnding } from '../core/model.ts'
import { pending } from '../core/pending.ts'
import type { State } from '../core/state.ts'
import { type Standing, standingAt } from './moment.ts'
import type { PastRun } from './past-run.ts'

export interface NextStep {
  readonly branch: string
  readonly step: string
  readonly agent: string
  readonly input: Json
}
export interface HeldFailure {
  readonly step: string
  readonly agent: string
  readonly error: StoredError
}
export interface Inspection extends Standing {
  /** Where it stands. */
  readonly breakpoint?: Breakpoint
  /** Runs that its steps have started and that are not over. */
  readonly below?: readonly Inspection[]
  readonly next: {
    /** Steps that begin, in their order, as far as places are free. */
    readonly steps: readonly NextStep[]
    /** Failures that happen, unless `edit` gives a result. */
    readonly failures: readonly HeldFailure[]
    /** What is carried out or waited for meanwhile. */
    readonly pending: readonly Command[]
  }
}

export function inspect(past: PastRun): Inspection {
  const seq = past.events.length
  const state = past.stateAt(seq)
  return {
    ...standingAt(past, seq),
    ...(state.breakpoint ? { breakpoint: state.breakpoint } : {}),
    next: { steps: nextSteps(state), failures: heldFailures(state), pending: [...pending(state)] },
  }
}

const nextSteps = (state: State): readonly NextStep[] =>
  [...state.branches.values()]
    .filter(({ status }) => status === 'ready')
    .sort((a, b) => a.ticket - b.ticket)
    .map(({ id, node, steps, input }) => {
      const agent = state.graph?.nodes.get(node)?.label ?? node
      return { branch: id, step: `${id}#${steps + 1}`, agent, input }
    })

const heldFailures = (state: State): readonly HeldFailure[] =>
  [...state.steps.values()].flatMap(({ id, agent, held }) => {
    const { error } = (held ?? {}) as Partial<Extract<StepEnding, { readonly error: StoredError }>>
    return error ? [{ step: id, agent, error }] : []
  })
