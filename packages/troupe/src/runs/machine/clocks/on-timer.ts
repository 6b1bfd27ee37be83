/** Handles a due timer. */

import { requestBranchCancel, requestStepCancel } from '../branches/cancellation.ts'
import { retryInPlace, routeError, timedOut } from '../branches/fail-branch.ts'
import type { RunDecision } from '../decision.ts'
import { fire } from '../joins/consider-join.ts'
import { joinProgress } from '../joins/join-progress.ts'
import { trip } from '../limits/guards.ts'
import type { Cancellation } from '../machine-events.ts'
import { expireQuestion } from '../people/questions.ts'
import { beginAttempt, requestRunCancel } from '../run/start-and-cancel.ts'
import { must } from '../state.ts'
import { endStep } from '../steps/step-results.ts'
import { idOf, isTimerRunning, kindOf, timeOf } from './run-time.ts'
import { deadlineOf, questionTimeoutMs } from './update-clocks.ts'

export function onTimer(d: RunDecision, name: string) {
  const due = d.state.clocks.timers.get(name)?.due
  if (due === undefined || !isTimerRunning(d.state, name)) return
  const lateMs = timeOf(d.state, name, d.at) - due
  // After a gap, or if the clock of a process is behind, the timer is early and is set again.
  if (lateMs < 0) return d.emit({ type: 'timer.set', name, due: d.at - lateMs })
  d.emit({ type: 'timer.cleared', name })
  const id = idOf(name)
  const { timeouts, budget } = d.config
  switch (kindOf(name)) {
    case 'run':
      return requestRunCancel(d, { as: 'failed', error: timedOut('run', 'The run', timeouts.run as number) })
    case 'time':
      return trip(d, { name: 'time', limit: budget.time, used: budget.time + lateMs })
    case 'branch':
      return branchTimeout(d, id, timeouts.branch as number)
    case 'step':
      return stepTimeout(d, id, 'step', timeouts.step as number)
    case 'request':
      return stepTimeout(d, id, 'request', d.state.steps.open.get(id)?.serve?.timeoutMs as number)
    case 'grace':
      return abandon(d, id)
    case 'join':
      return deadline(d, id)
    case 'acquire':
      return acquisitionTimeout(d, id, timeouts.acquisition as number)
    case 'question':
      return expireQuestion(
        d,
        id,
        timedOut(
          'human',
          'An answer',
          questionTimeoutMs(d.state.questions.open.get(id)?.ask) ?? (timeouts.human as number),
        ),
      )
    case 'retry':
      return delayOver(d, id)
    default:
      return beginAttempt(d)
  }
}

function branchTimeout(d: RunDecision, id: string, limit: number): void {
  const branch = d.branch(id)
  requestBranchCancel(d, branch, { as: 'failed', error: timedOut('branch', `Branch ${id} (${branch.agent})`, limit) })
}

function stepTimeout(d: RunDecision, id: string, kind: string, limit: number): void {
  const step = must(d.state.steps.open.get(id), id)
  requestStepCancel(d, step, { as: 'failed', error: timedOut(kind, `Step ${id} (${step.agent})`, limit) })
}

function abandon(d: RunDecision, id: string): void {
  const step = must(d.state.steps.open.get(id), id)
  endStep(d, step, { error: (step.cancellation as Cancellation).error })
}

/** The deadline of a join: arrived branches continue, and missing ones have failed. */
function deadline(d: RunDecision, id: string): void {
  const joinState = d.joinState(id)
  const late = timedOut('deadline', `The join at ${joinState.agent}`, deadlineOf(d, joinState.node) as number)
  const { successes } = joinProgress(d, joinState)
  fire(d, joinState, late, successes === 0 && joinState.onFailure === 'failFast' ? late : undefined)
}

function acquisitionTimeout(d: RunDecision, id: string, limit: number): void {
  const branch = d.branch(id)
  routeError(d, branch, timedOut('acquisition', `Waiting for an instance of ${d.label(branch)}`, limit))
}

function delayOver(d: RunDecision, id: string): void {
  const branch = d.branch(id)
  retryInPlace(d, branch, branch.attempt)
}
