/** Questions and their answers, and the requests that steps make of other agents of the run. */

import { taintField } from '../../../core/index.ts'
import { changeStep, setBlocked } from '../branches/branch-counts.ts'
import { addTo, dict, emptyDict, ownDict } from '../dict.ts'
import type { EventOf } from '../machine-events.ts'
import { must, type State, type Step } from '../state.ts'
import { resume } from '../steps/evolve-step.ts'
import { enqueue, leaveQueue, requestQueue } from '../steps/step-queue.ts'

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
  const { question: id, branch: branchId, agent, step: stepId, wait, failed, ask, at: askedAt } = event
  const asked = { id, branch: branchId, agent, step: stepId, wait, failed, ask, askedAt, status: 'open' } as const
  state.questions.set(id, { ...asked })
  state.counts.openQuestions += 1
  const step = stepId === undefined ? undefined : state.steps.get(stepId)
  if (step) {
    changeStep(state, step, () => {
      ownDict(step, 'questions')[id] = true
      step.openQuestions += 1
    })
    return state
  }
  const branch = must(state.branches.get(branchId), branchId)
  if (branch.status === 'delayed') state.counts.delayed -= 1
  branch.status = 'asking'
  leaveQueue(state, branch)
  branch.fork = undefined
  branch.question = id
  branch.cancellation = undefined
  branch.asked += 1
  setBlocked(state, branch, true)
  return state
}

function closed(state: State, event: EventOf<'question.answered' | 'question.expired' | 'question.withdrawn'>): State {
  const question = must(state.questions.get(event.question), event.question)
  const status =
    event.type === 'question.answered' ? 'answered' : event.type === 'question.expired' ? 'expired' : 'withdrawn'
  question.status = status
  state.counts.openQuestions -= 1
  const step = question.step === undefined ? undefined : state.steps.get(question.step)
  if (step?.questions[question.id])
    changeStep(state, step, () => {
      delete step.questions[question.id]
      step.openQuestions -= 1
    })
  const branch = state.branches.get(question.branch)
  if (branch?.question === question.id) {
    branch.question = undefined
    setBlocked(state, branch, false)
  }
  return state
}

function deferAnswer(state: State, { step, wait, answer, taint }: EventOf<'answer.deferred'>): State {
  state.deferredAnswers.push({ step, wait, answer, ...taintField(taint) })
  return state
}

function sent(state: State, event: EventOf<'answer.delivered'>): State {
  const step = must(state.steps.get(event.step), event.step)
  const id = `answer ${step.id} ${event.wait}`
  const { wait, answer } = event
  const command = { id, type: 'answer.deliver' as const, step: step.id, wait, answer, ...taintField(event.taint) }
  state.open.set(id, command)
  const list = state.answers.get(step.id)
  if (list) list.push(id)
  else state.answers.set(step.id, [id])
  resume(state, step)
  return state
}

function requested(state: State, event: EventOf<'request.made'>): State {
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
  state.steps.set(step.id, step)
  state.counts.steps += 1
  enqueue(state, requestQueue, step.id)
  state.asks[fromAgent] ??= dict<{ [other: string]: number }>()
  addTo(state.asks[fromAgent], step.agent, 1)
  const asker = must(state.steps.get(from), from)
  changeStep(state, asker, () => {
    ownDict(asker, 'requests')[step.id] = true
    asker.openRequests += 1
  })
  return state
}
