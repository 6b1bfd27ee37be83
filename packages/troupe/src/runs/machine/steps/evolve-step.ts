/** Steps: started, waiting, told to stop, settled. */

import { changeStep, countStep, setBlocked } from '../branches/branch-counts.ts'
import { executeCommand } from '../commands-of.ts'
import type { EventOf, StepEnding, StepUsage } from '../machine-events.ts'
import { dict, must, type State, type Step } from '../state.ts'
import { awaitChildren } from './evolve-child.ts'
import { dequeue, queueOf, requestQueue, ticketOf } from './step-queue.ts'

type StepEvent = EventOf<
  'step.started' | 'step.completed' | 'step.failed' | 'step.waiting' | 'step.resumed' | 'step.cancel-requested'
>

export function evolveStep(state: State, event: StepEvent): State {
  const { ledger } = state
  if (event.type === 'step.started') return started(state, event)
  const step = must(state.steps.get(event.step), event.step)
  switch (event.type) {
    case 'step.waiting':
      changeStep(state, step, () => {
        ledger.set(step, 'status', 'waiting')
        ledger.set(step, 'reason', event.reason)
        if (event.reason === 'breakpoint') ledger.set(step, 'suspendedEnding', event.detail as StepEnding)
        else ledger.set(step, 'detail', event.detail)
        awaitChildren(state, step, event.children ?? [])
      })
      if (event.usage) ledger.put(state.openUsage, step.id, event.usage)
      return state
    case 'step.resumed':
      resume(state, step)
      return state
    case 'step.cancel-requested': {
      resume(state, step)
      changeStep(state, step, () => ledger.set(step, 'cancellation', event.cancellation))
      const id = `cancel ${step.id}`
      ledger.put(state.open, id, { id, type: 'step.cancel', step: step.id, reason: event.cancellation.error })
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
    state.ledger.set(step, 'status', 'running')
    state.ledger.set(step, 'reason', undefined)
    awaitChildren(state, step, [])
  })
}

function started(state: State, event: EventOf<'step.started'>): State {
  const { ledger, counts } = state
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
    questions: dict(),
    requests: dict(),
    openQuestions: 0,
    openRequests: 0,
    blockedRequests: 0,
    children: dict(),
    childCount: 0,
    waitingChildCount: 0,
    blocked: false,
  }
  ledger.add(counts, 'totalSteps', 1)
  if (found) {
    dequeue(state, requestQueue, ticketOf(state, requestQueue, step.id))
    ledger.set(step, 'status', 'running')
  } else {
    const branch = must(state.branches.get(event.branch), event.branch)
    dequeue(state, queueOf(state, branch.node), branch.ticket)
    ledger.put(state.steps, step.id, step)
    ledger.add(counts, 'steps', 1)
    ledger.set(branch, 'status', 'running')
    ledger.set(branch, 'step', step.id)
    ledger.add(branch, 'steps', 1)
  }
  countStep(state, step, 1)
  const command = executeCommand(state, step)
  ledger.put(state.open, command.id, command)
  return state
}

function applyStepEnd(state: State, step: Step, event: EventOf<'step.completed' | 'step.failed'>): State {
  const { ledger } = state
  countStep(state, step, -1)
  for (const child of Object.keys(step.children)) ledger.drop(state.waitingChildren, child)
  ledger.drop(state.steps, step.id)
  ledger.add(state.counts, 'steps', -1)
  // A step that was stopped while it waited says nothing of what it had used.
  const usage = event.usage ?? state.openUsage.get(step.id)
  if (usage) addUsage(state, usage)
  ledger.drop(state.openUsage, step.id)
  for (const id of [`execute ${step.id}`, `cancel ${step.id}`]) ledger.drop(state.open, id)
  for (const wait of answersTo(state, step.id)) ledger.drop(state.open, wait)
  if (step.serve) return stopAsking(state, step, step.serve.from, step.serve.fromAgent)
  const branch = must(state.branches.get(step.branch), step.branch)
  setBlocked(state, branch, false)
  ledger.set(branch, 'step', undefined)
  ledger.set(branch, 'status', 'routing')
  if (event.type === 'step.completed' && event.progressHash !== undefined) {
    ledger.set(branch, 'noProgressCount', branch.progressHashes[event.progressHash] ? branch.noProgressCount + 1 : 0)
    ledger.set(branch.progressHashes, event.progressHash, true)
  }
  return state
}

/** The ids of answers that are still to be delivered to a step. */
function answersTo(state: State, step: string): string[] {
  const sent = state.answers.get(step)
  if (!sent) return []
  state.ledger.drop(state.answers, step)
  return sent
}

function stopAsking(state: State, step: Step, from: string, fromAgent: string): State {
  const { ledger } = state
  ledger.add(must(state.asks[fromAgent], fromAgent), step.agent, -1)
  const asker = state.steps.get(from)
  if (asker?.requests[step.id])
    changeStep(state, asker, () => {
      ledger.set(asker.requests, step.id, undefined)
      ledger.add(asker, 'openRequests', -1)
      ledger.add(asker, 'blockedRequests', -Number(step.blocked))
    })
  return state
}

export function addUsage(state: State, used: StepUsage): void {
  const { ledger, usage } = state
  ledger.add(usage, 'inputTokens', used.inputTokens)
  ledger.add(usage, 'outputTokens', used.outputTokens)
  ledger.add(usage, 'usd', used.cost ?? 0)
  for (const model of used.unknown ?? []) ledger.set(usage.unknown, model, true)
}
