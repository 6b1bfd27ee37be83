/** Folds events about steps: started, waiting, cancelled, ended. */
import { failure } from '../../../core/index.ts'
import { changeStep, countStep, setBlocked, setBranchStatus } from '../branches/branch-counts.ts'
import type { Branch } from '../branches/branches-slice.ts'
import { flowOf, servingFlow } from '../branches/flow.ts'
import { countUsage } from '../budgets/total-usage.ts'
import { addTo, ownDict } from '../dict.ts'
import type { Folds } from '../folds.ts'
import { taintOfStep } from '../labels/evolve-taint.ts'
import type { EventOf, StepEnding, StepUsage } from '../machine-events.ts'
import { must, type State } from '../state.ts'
import { transitionTo } from '../transition-to.ts'
import { awaitChildren } from './child-folds.ts'
import { passLeft, queueOf, requestQueue } from './step-queue.ts'
import { createStep, type Step, type StepStatus, stepTransitions } from './steps-slice.ts'

export const stepFolds = {
  'step.started': started,
  'step.waiting': (state, event) => {
    const step = must(state.steps.open.get(event.step), event.step)
    changeStep(state, step, () => {
      setStepStatus(step, 'waiting')
      step.reason = event.reason
      if (event.reason === 'breakpoint') step.suspendedEnding = event.detail as StepEnding
      else step.detail = event.detail
      awaitChildren(state, step, event.children ?? [])
    })
    if (event.usage) state.budgets.openUsage.set(step.id, event.usage)
  },
  'step.resumed': (state, event) => resume(state, must(state.steps.open.get(event.step), event.step)),
  'step.cancel-requested': (state, event) => {
    const step = must(state.steps.open.get(event.step), event.step)
    resume(state, step)
    changeStep(state, step, () => {
      step.cancellation = event.cancellation
    })
  },
  'guardrail.tripped': (state, event) => {
    const step = must(state.steps.open.get(event.step), event.step)
    step.trips = [...(step.trips ?? []), event.trip]
  },
  'step.completed': (state, event) => {
    const step = must(state.steps.open.get(event.step), event.step)
    const branch = end(state, step, event.usage)
    const { progressHash } = event
    if (!branch || progressHash === undefined) return
    branch.noProgressCount = branch.progressHashes[progressHash] ? branch.noProgressCount + 1 : 0
    ownDict(branch, 'progressHashes')[progressHash] = true
  },
  'step.failed': (state, event) => {
    end(state, must(state.steps.open.get(event.step), event.step), event.usage)
  },
} satisfies Partial<Folds>

const setStepStatus = (step: Step, status: StepStatus): void => {
  step.status = transitionTo(stepTransitions, `step ${step.id}`, step.status, status)
}

/** The step executes again or is being stopped, so it blocks no branch any more. */
export function resume(state: State, step: Step): void {
  if (step.status !== 'waiting') return
  changeStep(state, step, () => {
    setStepStatus(step, 'running')
    step.reason = undefined
    awaitChildren(state, step, [])
  })
}

function started(state: State, event: EventOf<'step.started'>): void {
  const { steps, budgets, branches } = state
  const serving = steps.open.get(event.step)
  if (serving && serving.status !== 'ready')
    throw failure('invariant.broken', { rule: `step ${serving.id} is ${serving.status} and cannot be started` })
  const branch = must(branches.all.get(event.branch), event.branch)
  const { id, node, depth } = branch
  const step =
    serving ??
    createStep({ id: event.step, branch: id, node, agent: event.agent, depth, serve: undefined, status: 'running' })
  step.startedAt = event.at
  budgets.totalSteps += 1
  if (serving) {
    setStepStatus(step, 'running')
    passLeft(state, requestQueue)
  } else {
    steps.open.set(step.id, step)
    setBranchStatus(state, branch, 'running')
    branch.step = step.id
    branch.steps += 1
    passLeft(state, queueOf(state, node))
  }
  step.flow = serving ? servingFlow : flowOf(state, branch)
  step.taint = taintOfStep(state, step)
  countStep(state, step, 1)
}

/** Returns the branch that continues with the outcome; undefined for a step that served a request. */
function end(state: State, step: Step, used: StepUsage | undefined): Branch | undefined {
  const { steps, budgets } = state
  countStep(state, step, -1)
  for (const child of Object.keys(step.children)) steps.waitingChildren.delete(child)
  steps.open.delete(step.id)
  steps.answers.delete(step.id)
  state.labels.paths.delete(step.id)
  // A step that was stopped while it waited reports no usage.
  const usage = used ?? budgets.openUsage.get(step.id)
  if (usage) countUsage(budgets, usage)
  budgets.openUsage.delete(step.id)
  if (step.serve) {
    passLeft(state, requestQueue)
    stopAsking(state, step, step.serve.from, step.serve.fromAgent)
    return undefined
  }
  const branch = must(state.branches.all.get(step.branch), step.branch)
  setBlocked(state, branch, false)
  branch.step = undefined
  setBranchStatus(state, branch, 'routing')
  return branch
}

function stopAsking(state: State, step: Step, from: string, fromAgent: string): void {
  const { steps } = state
  addTo(must(steps.requestEdges[fromAgent], fromAgent), step.agent, -1)
  const asker = steps.open.get(from)
  if (asker?.requests[step.id])
    changeStep(state, asker, () => {
      delete asker.requests[step.id]
      asker.openRequests -= 1
      asker.blockedRequests -= Number(step.blocked)
    })
}
