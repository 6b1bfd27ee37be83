/** Checks answers and the outcomes that a person gives steps before they are appended, so that the caller gets the error. */
import type { Outcome } from '../../../agents/index.ts'
import { failure, type Json, wrongAnswer as misfit, type TroupeError } from '../../../core/index.ts'
import { planOf } from '../branches/flow.ts'
import { must, type State } from '../state.ts'

/** @returns the error of the answer; undefined if it fits */
export function answerRejection(state: Readonly<State>, id: string, value: Json): TroupeError | undefined {
  const question = state.questions.open.get(id)
  if (!question) return failure('question.unknown', { question: id })
  return misfit(question.ask, value)
}

/**
 * @throws ConflictError for a question that is not open and for an approval of other arguments, ValidationError for an
 * answer that does not fit the question
 */
export function checkAnswer(state: Readonly<State>, id: string, value: Json): void {
  const wrong = answerRejection(state, id, value)
  if (wrong) throw wrong
}

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
