/** Checks that an answer fits its question before the answer is appended, so that the caller gets the error. */
import { failure, type Json, wrongAnswer as misfit, type TroupeError } from '../../../core/index.ts'
import type { State } from '../state.ts'

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
