/** Child runs of a step: which the step waits for, and which of them wait. */
import { changeStep } from '../branches/branch-counts.ts'
import { childUsageKey } from '../budgets/total-usage.ts'
import { dict } from '../dict.ts'
import type { Folds } from '../folds.ts'
import type { State } from '../state.ts'
import type { Step } from './steps-slice.ts'

/** Called while a step changes: from now on it waits for these child runs, and for no other. */
export function awaitChildren(state: State, step: Step, children: readonly string[]): void {
  const { waitingChildren } = state.steps
  if (step.childCount + children.length === 0) return
  const awaited = Object.assign(dict<Step['children']>(), Object.fromEntries(children.map((run) => [run, true])))
  step.children = awaited
  step.childCount = children.length
  step.waitingChildCount = children.filter((run) => waitingChildren.has(run)).length
}

export const childFolds = {
  'child.waiting': (state, { child, step, reason, questions, usage }) => {
    const { waitingChildren } = state.steps
    if (usage) state.budgets.openUsage.set(childUsageKey(child), usage)
    const isNew = !waitingChildren.has(child)
    waitingChildren.set(child, { step, reason, questions })
    if (isNew) countWaiting(state, step, child, 1)
  },
  'child.resumed': (state, { child }) => childMoves(state, child),
} satisfies Partial<Folds>

/** A child run moves, or has ended. */
export function childMoves(state: State, child: string): void {
  const { waitingChildren } = state.steps
  const waiting = waitingChildren.get(child)
  if (!waiting) return
  waitingChildren.delete(child)
  countWaiting(state, waiting.step, child, -1)
}

/** The run is resumed, and with it its child runs: those that were paused move as soon as they hear of it. */
export function resumeChildren(state: State): void {
  for (const [child, { reason }] of [...state.steps.waitingChildren])
    if (reason === 'paused' || reason === 'breakpoint') childMoves(state, child)
}

function countWaiting(state: State, id: string, child: string, by: 1 | -1): void {
  const step = state.steps.open.get(id)
  if (step?.children[child])
    changeStep(state, step, () => {
      step.waitingChildCount += by
    })
}
