/** Whether an answer fits its question: asked before the answer is appended, so that whoever answers is told. */
import { failure, type Json, wrongAnswer as misfit, type TroupeError } from '../../../core/index.ts'
import type { State } from '../state.ts'

/** @returns what is wrong with the answer; undefined where it fits */
export function answerRejection(state: Readonly<State>, id: string, value: Json): TroupeError | undefined {
  const question = state.questions.open.get(id)
  if (!question) return failure('question.unknown', { question: id })
  return misfit(question.ask, value)
}

/**
 * @throws ConflictError for a question that is not open (any more) and for an approval of other arguments,
 * ValidationError for what the question does not allow
 */
export function checkAnswer(state: Readonly<State>, id: string, value: Json): void {
  const wrong = answerRejection(state, id, value)
  if (wrong) throw wrong
}
