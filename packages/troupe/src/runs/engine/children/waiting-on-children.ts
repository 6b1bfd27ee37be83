/** A run whose steps wait for child runs that wait shows their questions as its own. */
import type { Json } from '../../../core/index.ts'
import { childQuestionId } from '../../machine/run/run-waiting.ts'

/** What a run that waits shows of itself, as JSON. */
export type Still = {
  readonly questions: readonly { readonly id: string }[]
}
export interface StillChild {
  readonly run: string
  /** Undefined while something in it moves. */
  readonly still: Json | undefined
}

/**
 * @param account what the run, which waits, says of itself
 * @returns undefined while something in a child run moves, of which the run has not heard yet
 */
export function waitingOnChildren(account: Json, children: readonly StillChild[]): Json | undefined {
  const own = account as Still
  const questions: { readonly id: string }[] = [...own.questions]
  for (const { run, still } of children) {
    if (still === undefined) return undefined
    for (const question of (still as Still).questions)
      questions.push({ ...question, id: childQuestionId(run, question.id) })
  }
  return { ...own, questions }
}

/** The run that asked a question shown here, and the question as it knows it. */
export function childQuestionOf(question: string): { readonly run: string; readonly question: string } | undefined {
  const at = question.indexOf('::')
  return at < 0 ? undefined : { run: question.slice(0, at), question: question.slice(at + 2) }
}
