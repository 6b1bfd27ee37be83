/** A run whose steps wait for runs of theirs alone waits for what those wait for: their questions are shown as its own. */
import type { Json } from '../../core/index.ts'
import { resultOf } from '../core/result.ts'
import { hasEnded, type State } from '../core/state.ts'

/** What a run that stands still shows of itself, as JSON. */
export interface Still {
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

/** @returns undefined while something moves, here or below */
export function waitingBelow(state: Readonly<State>, children: readonly StillChild[], at: number): Json | undefined {
  if (!waitsOutside(state) || new Set(children.map(({ step }) => step)).size < state.counts.outside) return undefined
  const below: (Still & { readonly run: string })[] = []
  for (const { run, still } of children) {
    if (still === undefined) return undefined
    below.push({ ...(still as unknown as Still), run })
  }
  const questions = below.flatMap((child) => child.questions.map((q) => ({ ...q, id: `${child.run}${mark}${q.id}` })))
  const own = resultOf(state, at)
  const reason = questions.length > 0 ? 'question' : (below[0]?.reason ?? 'question')
  const result = { ...own, status: 'waiting', reason, questions: [...own.questions, ...questions] }
  return JSON.parse(JSON.stringify(result)) as Json
}

export const waitsOutside = (state: Readonly<State>): boolean =>
  !hasEnded(state) &&
  state.counts.outside > 0 &&
  state.counts.executing === 0 &&
  state.counts.delayed === 0 &&
  state.recall === undefined &&
  state.again === undefined

/** The run that asked a question shown here, and the question as it knows it. */
export function askedBelow(question: string): { readonly run: string; readonly question: string } | undefined {
  const at = question.indexOf(mark)
  return at < 0 ? undefined : { run: question.slice(0, at), question: question.slice(at + mark.length) }
}
