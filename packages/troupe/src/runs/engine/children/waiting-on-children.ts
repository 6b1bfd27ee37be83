/** A run whose steps wait for waiting child runs shows the questions of the child runs as its own. */
import type { Json } from '../../../core/index.ts'
import { childQuestionId } from '../../machine/run/run-waiting.ts'

/** The stored status of a waiting run, as JSON. */
export type Still = {
  readonly questions: readonly { readonly id: string }[]
}
export interface StillChild {
  readonly run: string
  /** Undefined while a step of it executes. */
  readonly still: Json | undefined
}

/**
 * @param account the status of the waiting run itself
 * @returns undefined while a step of a child run executes
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

/** The child run that asked, and the id of the question in that run. */
export function childQuestionOf(question: string): { readonly run: string; readonly question: string } | undefined {
  const at = question.indexOf('::')
  return at < 0 ? undefined : { run: question.slice(0, at), question: question.slice(at + 2) }
}
