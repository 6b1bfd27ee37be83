/** Questions and their answers, and the requests that steps make of other agents of the run. */

import { taintField } from '../../../core/index.ts'
import { changeStep, setBlocked } from '../branches/branch-counts.ts'
import type { EventOf } from '../machine-events.ts'
import { dict, must, type State, type Step } from '../state.ts'
import { resume } from '../steps/evolve-step.ts'
import { enqueue, requestQueue } from '../steps/step-queue.ts'

type PeopleEvent = EventOf<
  | 'question.asked'
  | 'question.answered'
  | 'question.expired'
  | 'question.withdrawn'
  | 'answer.delivered'
  | 'answer.deferred'
  | 'request.made'
>

export function evolvePeople(state: State, event: PeopleEvent): State {
  switch (event.type) {
    case 'question.asked':
      return asked(state, event)
    case 'answer.delivered':
      return sent(state, event)
    case 'answer.deferred':
      return deferAnswer(state, event)
    case 'request.made':
      return requested(state, event)
    default:
      return closed(state, event)
  }
}

function asked(state: State, event: EventOf<'question.asked'>): State {
  const { ledger } = state
  const { question: id, branch: branchId, agent, step: stepId, wait, failed, ask, at: askedAt } = event
  const asked = { id, branch: branchId, agent, step: stepId, wait, failed, ask, askedAt, status: 'open' } as const
  ledger.put(state.questions, id, { ...asked })
  ledger.add(state.counts, 'openQuestions', 1)
  const step = stepId === undefined ? undefined : state.steps.get(stepId)
  if (step) {
    changeStep(state, step, () => {
      ledger.set(step.questions, id, true)
      ledger.add(step, 'openQuestions', 1)
    })
    return state
  }
  const branch = must(state.branches.get(branchId), branchId)
  if (branch.status === 'delayed') ledger.add(state.counts, 'delayed', -1)
  ledger.set(branch, 'status', 'asking')
  ledger.set(branch, 'fork', undefined)
  ledger.set(branch, 'question', id)
  ledger.set(branch, 'cancellation', undefined)
  ledger.add(branch, 'asked', 1)
  setBlocked(state, branch, true)
  return state
}

function closed(state: State, event: EventOf<'question.answered' | 'question.expired' | 'question.withdrawn'>): State {
  const { ledger } = state
  const question = must(state.questions.get(event.question), event.question)
  const status =
    event.type === 'question.answered' ? 'answered' : event.type === 'question.expired' ? 'expired' : 'withdrawn'
  ledger.set(question, 'status', status)
  ledger.add(state.counts, 'openQuestions', -1)
  const step = question.step === undefined ? undefined : state.steps.get(question.step)
  if (step?.questions[question.id])
    changeStep(state, step, () => {
      ledger.set(step.questions, question.id, undefined)
      ledger.add(step, 'openQuestions', -1)
    })
  const branch = state.branches.get(question.branch)
  if (branch?.question === question.id) {
    ledger.set(branch, 'question', undefined)
    setBlocked(state, branch, false)
  }
  return state
}

function deferAnswer(state: State, { step, wait, answer, taint }: EventOf<'answer.deferred'>): State {
  state.ledger.push(state.deferredAnswers, { step, wait, answer, ...taintField(taint) })
  return state
}

function sent(state: State, event: EventOf<'answer.delivered'>): State {
  const { ledger } = state
  const step = must(state.steps.get(event.step), event.step)
  const id = `answer ${step.id} ${event.wait}`
  const { wait, answer } = event
  const command = { id, type: 'answer.deliver' as const, step: step.id, wait, answer, ...taintField(event.taint) }
  ledger.put(state.open, id, command)
  const list = state.answers.get(step.id)
  if (list) ledger.push(list, id)
  else ledger.put(state.answers, step.id, [id])
  resume(state, step)
  return state
}

function requested(state: State, event: EventOf<'request.made'>): State {
  const { ledger } = state
  const { from, fromAgent, wait, message, payload, timeoutMs } = event
  const step: Step = {
    id: event.step,
    branch: event.branch,
    node: event.node,
    agent: event.agent,
    depth: event.depth,
    serve: { from, fromAgent, wait, message, payload, timeoutMs },
    status: 'ready',
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
  ledger.put(state.steps, step.id, step)
  ledger.add(state.counts, 'steps', 1)
  enqueue(state, requestQueue, step.id)
  const asks = state.asks[fromAgent]
  if (asks) ledger.add(asks, step.agent, 1)
  else ledger.set(state.asks, fromAgent, Object.assign(dict<{ [other: string]: number }>(), { [step.agent]: 1 }))
  const asker = must(state.steps.get(from), from)
  changeStep(state, asker, () => {
    ledger.set(asker.requests, step.id, true)
    ledger.add(asker, 'openRequests', 1)
  })
  return state
}
