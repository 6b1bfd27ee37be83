/** Stopping: branches, their steps and what these wait for, all of them awaited. */
import { failure, storeError } from '../../core/index.ts'
import { fire } from './barrier.ts'
import { type Deciding, isOver } from './deciding.ts'
import type { Recall } from './model.ts'
import type { Branch, Step } from './state.ts'

/** Meetings that wait in it do not take place any more, which the scope has to remember. */
export function recallScope(d: Deciding, id: string, recall: Recall): void {
  const scope = d.state.scopes.get(id)
  if (!scope || scope.live === 0) return
  if (scope.barriers > 0 && !d.goesDown(scope)) d.emit({ type: 'scope.failed', scope: id, error: recall.error })
  for (const branch of [...scope.branches]) recallBranch(d, d.branch(branch), recall)
}

/** It ends at once, or when its step and the branches that it waits for have stopped. */
export function recallBranch(d: Deciding, branch: Branch, recall: Recall) {
  if (isOver(branch) || branch.recall) return
  d.emit({ type: 'branch.recalled', branch: branch.id, recall })
  const barrier = branch.fork === undefined ? undefined : d.state.barriers.get(branch.fork)
  if (branch.status === 'waiting' && barrier) {
    if (barrier.state === 'open') fire(d, barrier, recall.error, recall.error)
    d.barriers.add(barrier.id)
    return
  }
  const step = branch.step === undefined ? undefined : d.state.steps.get(branch.step)
  if (step) return recallStep(d, step, recall)
  finishRecall(d, branch)
}

/** What it waited for has stopped. */
export function finishRecall(d: Deciding, branch: Branch) {
  const { as, error } = branch.recall as Recall
  if (branch.question !== undefined) d.emit({ type: 'question.withdrawn', ...d.asked(branch.question) })
  if (branch.after !== undefined && d.state.timers.has(branch.after))
    d.emit({ type: 'timer.cleared', name: branch.after })
  if (as === 'failed') return d.later({ do: 'branch.fail', branch: branch.id, error })
  d.emit({ type: 'branch.cancelled', branch: branch.id, agent: d.label(branch), error })
}

export function recallStep(d: Deciding, step: Step, recall: Recall) {
  if (step.recall) return
  withdraw(d, step)
  if (step.status === 'ready' || step.held)
    return d.later({ do: 'step.end', step: step.id, ending: { error: recall.error } })
  d.emit({ type: 'step.recalled', step: step.id, branch: step.branch, agent: step.agent, recall })
}

/** What a step has asked of people and agents is not wanted any more. */
export function withdraw(d: Deciding, step: Step): void {
  if (step.openQuestions + step.openRequests === 0) return
  for (const question of Object.keys(step.questions))
    if (step.questions[question]) d.emit({ type: 'question.withdrawn', ...d.asked(question) })
  const error = storeError(failure('cancelled', { what: `What ${step.agent} had asked` }))
  for (const id of Object.keys(step.requests)) {
    const served = step.requests[id] ? d.state.steps.get(id) : undefined
    if (served) recallStep(d, served, { as: 'cancelled', error })
  }
}
