/** Child runs of a step: which the step waits for, and which of them wait. */
import { changeStep } from '../branches/branch-counts.ts'
import { dict } from '../dict.ts'
import type { EventOf } from '../machine-events.ts'
import type { State, Step } from '../state.ts'
import { childUsageKey } from './total-usage.ts'

/** Called while a step changes: from now on it waits for these child runs, and for no other. */
export function awaitChildren(state: State, step: Step, children: readonly string[]): void {
  const { waitingChildren } = state
  if (step.childCount + children.length === 0) return
  const awaited = Object.assign(dict<Step['children']>(), Object.fromEntries(children.map((run) => [run, true])))
  step.children = awaited
  step.childCount = children.length
  step.waitingChildCount = children.filter((run) => waitingChildren.has(run)).length
}

export function evolveChild(state: State, event: EventOf<'child.waiting' | 'child.resumed'>): State {
  const { child, step } = event
  if (event.type === 'child.resumed') return childMoves(state, child)
  const { waitingChildren } = state
  if (event.usage) state.openUsage.set(childUsageKey(child), event.usage)
  const isNew = !waitingChildren.has(child)
  waitingChildren.set(child, { step, reason: event.reason, questions: event.questions })
  return isNew ? countWaiting(state, step, child, 1) : state
}

/** A child run moves, or has ended. */
export function childMoves(state: State, child: string): State {
  const waiting = state.waitingChildren.get(child)
  if (!waiting) return state
  state.waitingChildren.delete(child)
  return countWaiting(state, waiting.step, child, -1)
}

/** The run is resumed, and with it its child runs: those that were paused move as soon as they hear of it. */
export function resumeChildren(state: State): void {
  for (const [child, { reason }] of [...state.waitingChildren])
    if (reason === 'paused' || reason === 'breakpoint') childMoves(state, child)
}

function countWaiting(state: State, id: string, child: string, by: 1 | -1): State {
  const step = state.steps.get(id)
  if (step?.children[child])
    changeStep(state, step, () => {
      step.waitingChildCount += by
    })
  return state
}
