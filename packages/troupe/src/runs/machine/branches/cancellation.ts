/** Cancels branches, their steps, and the calls for which the steps wait. All of them are awaited. */
import { failure, storeError } from '../../../core/index.ts'
import type { RunDecision } from '../decision.ts'
import { fire } from '../joins/consider-join.ts'
import type { Cancellation } from '../machine-events.ts'
import { must } from '../state.ts'
import type { Step } from '../steps/steps-slice.ts'
import type { Branch } from './branches-slice.ts'
import { isBranchEnded } from './branches-slice.ts'

/** Closes the joins that wait in a group, and records in the group that they do not complete. */
export function requestGroupCancel(d: RunDecision, id: string, cancellation: Cancellation): void {
  const group = d.state.branches.groups.get(id)
  if (!group || group.live === 0) return
  if (group.openJoinCount > 0 && !d.isStopping(group))
    d.emit({ type: 'group.failed', group: id, error: cancellation.error })
  for (const branch of [...group.open]) requestBranchCancel(d, d.branch(branch), cancellation)
}

/** Cancels a branch. It ends at once, or when its step and the branches for which it waits have stopped. */
export function requestBranchCancel(d: RunDecision, branch: Branch, cancellation: Cancellation) {
  if (isBranchEnded(branch) || branch.cancellation) return
  d.emit({ type: 'branch.cancel-requested', branch: branch.id, cancellation })
  const joinState = branch.fork === undefined ? undefined : d.state.joins.open.get(branch.fork)
  if (branch.status === 'waiting' && joinState) {
    if (joinState.state === 'open') fire(d, joinState, cancellation.error, cancellation.error)
    d.joins.add(joinState.id)
    return
  }
  const step = branch.step === undefined ? undefined : d.state.steps.open.get(branch.step)
  if (step) return requestStepCancel(d, step, cancellation)
  finishCancellation(d, branch)
}

/** Ends a cancelled branch once everything for which it waited has stopped. */
export function finishCancellation(d: RunDecision, branch: Branch) {
  const { as, error } = branch.cancellation as Cancellation
  if (branch.question !== undefined) d.emit({ type: 'question.withdrawn', ...d.asked(branch.question) })
  if (branch.after !== undefined && d.state.clocks.timers.has(branch.after))
    d.emit({ type: 'timer.cleared', name: branch.after })
  if (as === 'failed') return d.later({ do: 'branch.fail', branch: branch.id, error })
  d.emit({ type: 'branch.cancelled', branch: branch.id, agent: d.label(branch), error })
}

export function requestStepCancel(d: RunDecision, step: Step, cancellation: Cancellation) {
  if (step.cancellation) return
  withdraw(d, step)
  if (step.status === 'ready' || step.suspendedEnding)
    return d.later({ do: 'step.end', step: step.id, ending: { error: cancellation.error } })
  d.emit({ type: 'step.cancel-requested', step: step.id, branch: step.branch, agent: step.agent, cancellation })
}

/** Withdraws the questions and requests of a step. */
export function withdraw(d: RunDecision, step: Step): void {
  if (step.openQuestions + step.openRequests === 0) return
  for (const [question, status] of Object.entries(step.questions))
    if (status === 'open') d.emit({ type: 'question.withdrawn', ...d.asked(question) })
  const error = storeError(failure('cancelled', { what: `What ${step.agent} had asked` }))
  for (const id of Object.keys(step.requests))
    requestStepCancel(d, must(d.state.steps.open.get(id), id), { as: 'cancelled', error })
}
