/** A run whose steps wait for runs of theirs alone waits for what those wait for: their questions are shown as its own. */
import type { Json } from '../../../core/index.ts'
import { hasEnded, type State } from '../../machine/state.ts'

/** What a run that stands still shows of itself, as JSON. */
export type Still = {
  readonly reason?: string
  readonly questions: readonly { readonly id: string }[]
}
export interface StillChild {
  readonly run: string
  /** The journal of the step that started it. */
  readonly step: string
  /** Undefined while something in it moves. */
  readonly still: Json | undefined
}

const mark = '::'

/**
 * @param own the run's account of itself, and how many of its steps wait for somebody outside
 * @returns undefined while something moves, here or below
 */
export function waitingOnChildren(
  own: { readonly account: Json; readonly outside: number },
  children: readonly StillChild[],
): Json | undefined {
  const account = own.account as Still
  // While it is paused, no step of its own is entered whatever comes from outside.
  const isStopped = account.reason === 'paused' || account.reason === 'breakpoint'
  if (!isStopped && new Set(children.map(({ step }) => step)).size < own.outside) return undefined
  const waiting: (Still & { readonly run: string })[] = []
  for (const { run, still } of children) {
    if (still === undefined) return undefined
    waiting.push({ ...(still as Still), run })
  }
  const questions = waiting.flatMap((child) => child.questions.map((q) => ({ ...q, id: `${child.run}${mark}${q.id}` })))
  const reason = account.reason ?? (questions.length > 0 ? 'question' : (waiting[0]?.reason ?? 'question'))
  const result = { ...account, status: 'waiting', reason, questions: [...account.questions, ...questions] }
  return result
}

/** Nothing in it moves but what its steps wait for outside. */
export const waitsOutside = (state: Readonly<State>): boolean =>
  !hasEnded(state) &&
  state.counts.outside > 0 &&
  state.counts.executing === 0 &&
  state.counts.delayed === 0 &&
  state.cancellation === undefined &&
  state.retryTimer === undefined

/** The run that asked a question shown here, and the question as it knows it. */
export function childQuestionOf(question: string): { readonly run: string; readonly question: string } | undefined {
  const at = question.indexOf(mark)
  return at < 0 ? undefined : { run: question.slice(0, at), question: question.slice(at + mark.length) }
}
