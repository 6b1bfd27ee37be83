/** Steps: started, waiting, told to stop, settled. */

import { changeStep, countStep, setBlocked } from '../branches/branch-counts.ts'
import { executeCommand } from '../commands-of.ts'
import { addTo, emptyDict, ownDict } from '../dict.ts'
import type { EventOf, StepEnding, StepUsage } from '../machine-events.ts'
import { must, type State, type Step } from '../state.ts'
import { awaitChildren } from './evolve-child.ts'
import { passLeft, queueOf, requestQueue } from './step-queue.ts'

type StepEvent = EventOf<
  'step.started' | 'step.completed' | 'step.failed' | 'step.waiting' | 'step.resumed' | 'step.cancel-requested'
>

export function evolveStep(state: State, event: StepEvent): State {
  if (event.type === 'step.started') return started(state, event)
  const step = must(state.steps.get(event.step), event.step)
  switch (event.type) {
    case 'step.waiting':
      changeStep(state, step, () => {
        step.status = 'waiting'
        step.reason = event.reason
        if (event.reason === 'breakpoint') step.suspendedEnding = event.detail as StepEnding
        else step.detail = event.detail
        awaitChildren(state, step, event.children ?? [])
      })
      if (event.usage) state.openUsage.set(step.id, event.usage)
      return state
    case 'step.resumed':
      resume(state, step)
      return state
    case 'step.cancel-requested': {
      resume(state, step)
      changeStep(state, step, () => {
        step.cancellation = event.cancellation
      })
      const id = `cancel ${step.id}`
      state.open.set(id, { id, type: 'step.cancel', step: step.id, reason: event.cancellation.error })
      return state
    }
    default:
      return applyStepEnd(state, step, event)
  }
}

/** It is carried out again, or is being stopped: it keeps no one waiting for a person. */
export function resume(state: State, step: Step): void {
  if (step.status !== 'waiting') return
  changeStep(state, step, () => {
    step.status = 'running'
    step.reason = undefined
    awaitChildren(state, step, [])
  })
}

function started(state: State, event: EventOf<'step.started'>): State {
  const { counts } = state
  const found = state.steps.get(event.step)
  const step: Step = found ?? {
    id: event.step,
    branch: event.branch,
    node: event.node,
    agent: event.agent,
    depth: must(state.branches.get(event.branch), event.branch).depth,
    serve: undefined,
    status: 'running',
    reason: undefined,
    cancellation: undefined,
    detail: undefined,
    suspendedEnding: undefined,
    questions: emptyDict(),
    requests: emptyDict(),
    openQuestions: 0,
    openRequests: 0,
    blockedRequests: 0,
    children: emptyDict(),
    childCount: 0,
    waitingChildCount: 0,
    blocked: false,
  }
  counts.totalSteps += 1
  if (found) {
    step.status = 'running'
    passLeft(state, requestQueue)
  } else {
    const branch = must(state.branches.get(event.branch), event.branch)
    state.steps.set(step.id, step)
    counts.steps += 1
    branch.status = 'running'
    branch.step = step.id
    branch.steps += 1
    passLeft(state, queueOf(state, branch.node))
  }
  countStep(state, step, 1)
  const command = executeCommand(state, step)
  state.open.set(command.id, command)
  return state
}

function applyStepEnd(state: State, step: Step, event: EventOf<'step.completed' | 'step.failed'>): State {
  countStep(state, step, -1)
  for (const child of Object.keys(step.children)) state.waitingChildren.delete(child)
  state.steps.delete(step.id)
  state.counts.steps -= 1
  // A step that was stopped while it waited says nothing of what it had used.
  const usage = event.usage ?? state.openUsage.get(step.id)
  if (usage) addUsage(state, usage)
  state.openUsage.delete(step.id)
  for (const id of [`execute ${step.id}`, `cancel ${step.id}`]) state.open.delete(id)
  for (const wait of answersTo(state, step.id)) state.open.delete(wait)
  if (step.serve) passLeft(state, requestQueue)
  if (step.serve) return stopAsking(state, step, step.serve.from, step.serve.fromAgent)
  const branch = must(state.branches.get(step.branch), step.branch)
  setBlocked(state, branch, false)
  branch.step = undefined
  branch.status = 'routing'
  if (event.type === 'step.completed' && event.progressHash !== undefined) {
    branch.noProgressCount = branch.progressHashes[event.progressHash] ? branch.noProgressCount + 1 : 0
    ownDict(branch, 'progressHashes')[event.progressHash] = true
  }
  return state
}

/** The ids of answers that are still to be delivered to a step. */
function answersTo(state: State, step: string): string[] {
  const sent = state.answers.get(step)
  if (!sent) return []
  state.answers.delete(step)
  return sent
}

function stopAsking(state: State, step: Step, from: string, fromAgent: string): State {
  addTo(must(state.asks[fromAgent], fromAgent), step.agent, -1)
  const asker = state.steps.get(from)
  if (asker?.requests[step.id])
    changeStep(state, asker, () => {
      delete asker.requests[step.id]
      asker.openRequests -= 1
      asker.blockedRequests -= Number(step.blocked)
    })
  return state
}

export function addUsage(state: State, used: StepUsage): void {
  const { usage } = state
  usage.inputTokens += used.inputTokens
  usage.outputTokens += used.outputTokens
  usage.usd += used.cost ?? 0
  for (const model of used.unknown ?? []) usage.unknown[model] = true
}
