/** Folds events about the complete run. */
import { graphOf } from '../../../topology/index.ts'
import { childUsageKey, countUsage } from '../budgets/total-usage.ts'
import { dict } from '../dict.ts'
import type { Folds } from '../folds.ts'
import type { State } from '../state.ts'
import { childMoves, resumeChildren } from '../steps/child-folds.ts'
import { transitionTo } from '../transition-to.ts'
import { type RunSliceStatus, runTransitions } from './run-slice.ts'

export const runFolds = {
  'run.started': (state, event) => {
    const { run } = state
    changeStatus(state, 'running')
    run.task = event.task
    run.startedAt = event.at
    run.pinned = event.pinned
    state.graph = graphOf(event.pinned.topology)
  },
  'run.charged': (state, event) => {
    const { budgets } = state
    const { steps, hops = 0 } = event
    budgets.totalSteps += steps
    budgets.chargedSteps += steps
    budgets.hops += hops
    budgets.chargedHops += hops
    countUsage(budgets, event.usage)
    budgets.openUsage.delete(childUsageKey(event.run))
    childMoves(state, event.run)
  },
  'run.cancel-requested': ({ run, budgets }, event) => {
    run.cancellation = event.cancellation
    run.cancelRequestedBy = event.by
    // A run that draws from a common budget may have child runs.
    if (budgets.granted) run.childrenCancelledAt ??= run.seq
  },
  'children.cancelled': ({ run }) => {
    run.childrenCancelledAt = undefined
  },
  'run.retried': ({ run, limits }, event) => {
    // The next attempt may use each edge as often as the first one.
    Object.assign(limits, { edgeUses: dict() })
    run.attempt = event.attempt
    run.retryTimer = event.after
    run.cancellation = undefined
  },
  'run.paused': ({ run }, { by, breakpoint }) => {
    run.pausedBy = by
    run.breakpoint = breakpoint
    if (breakpoint && breakpoint.run === undefined) run.lastBreakpoint = { seq: run.seq, step: breakpoint.step }
  },
  'run.resumed': (state, { steps }) => {
    const { run } = state
    run.pausedBy = undefined
    run.breakpoint = undefined
    run.stopAtStep = steps === undefined ? undefined : state.budgets.totalSteps + steps
    state.questions.deferred = []
    resumeChildren(state)
  },
  'run.breakpoints-set': ({ run }, event) => {
    run.breakOn = event.breakOn
  },
  'guard.tripped': ({ run }, event) => {
    run.guard = event.guard
  },
  // Recorded for readers; the state shows by itself that the run waits.
  'run.waiting': () => {},
  'run.completed': (state, event) => {
    changeStatus(state, 'completed')
    state.run.response = event.value
  },
  'run.failed': (state, event) => {
    changeStatus(state, 'failed')
    state.run.response = event.partial
    state.run.error = event.error
  },
  'run.cancelled': (state, event) => {
    changeStatus(state, 'cancelled')
    state.run.response = event.partial
  },
} satisfies Partial<Folds>

function changeStatus({ run }: State, to: RunSliceStatus): void {
  run.status = transitionTo(runTransitions, 'the run', run.status, to)
}
