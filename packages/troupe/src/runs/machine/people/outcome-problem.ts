/** Checks that the outcome that a person gives a step is possible there, before the edit is appended. */
import type { Outcome } from '../../../agents/index.ts'
import { planOf } from '../branches/flow.ts'
import { must, type State } from '../state.ts'

/** @returns what is wrong with the outcome, as a clause; undefined if the step may end with it, or is not open */
export function outcomeProblem(state: Readonly<State>, id: string, outcome: Outcome): string | undefined {
  const step = state.steps.open.get(id)
  if (!step) return undefined
  const { agent } = step
  if (step.serve)
    return outcome.kind === 'value' || outcome.kind === 'finish'
      ? undefined
      : `the step ${id} answers a request, so its result must be a plain value`
  const plan = planOf(state, must(state.branches.all.get(step.branch), step.branch), outcome)
  if (plan.kind !== 'invalid') return undefined
  return `the result of the step ${id} is not possible: ${plan.problem}; ${agent} may ${plan.allowed}`
}
