/** Folds of events about questions. */
import { changeStep, setBlocked, setBranchStatus } from '../branches/branch-counts.ts'
import { ownDict } from '../dict.ts'
import type { Folds } from '../folds.ts'
import type { EventOf } from '../machine-events.ts'
import { must, type State } from '../state.ts'
import { leaveQueue } from '../steps/step-queue.ts'
import { transitionTo } from '../transition-to.ts'
import { type QuestionStatus, questionTransitions } from './questions-slice.ts'

export const questionFolds = {
  'question.asked': asked,
  'question.answered': (state, event) => close(state, event.question, 'answered'),
  'question.expired': (state, event) => close(state, event.question, 'expired'),
  'question.withdrawn': (state, event) => close(state, event.question, 'withdrawn'),
} satisfies Partial<Folds>

function asked(state: State, event: EventOf<'question.asked'>): void {
  const { question: id, branch: branchId, agent, step: stepId, wait, failed, ask, at: askedAt } = event
  state.questions.open.set(id, { id, branch: branchId, agent, step: stepId, wait, failed, ask, askedAt })

  const step = stepId === undefined ? undefined : state.steps.open.get(stepId)
  if (step) {
    changeStep(state, step, () => {
      ownDict(step, 'questions')[id] = 'open'
      step.openQuestions += 1
    })
    return
  }
  const branch = must(state.branches.all.get(branchId), branchId)
  setBranchStatus(state, branch, 'asking')
  leaveQueue(state, branch)
  branch.fork = undefined
  branch.question = id
  branch.cancellation = undefined
  branch.asked += 1
  setBlocked(state, branch, true)
}

/** A closed question leaves the state; its step remembers that it has asked it. */
function close(state: State, id: string, status: QuestionStatus): void {
  const { questions, steps, branches } = state
  const question = must(questions.open.get(id), `open question ${id}`)
  questions.open.delete(id)
  state.labels.paths.delete(id)
  const step = question.step === undefined ? undefined : steps.open.get(question.step)
  if (step)
    changeStep(state, step, () => {
      const before = must(step.questions[id], `question ${id} of its step`)
      step.questions[id] = transitionTo(questionTransitions, `question ${id}`, before, status)
      step.openQuestions -= 1
    })
  const branch = branches.all.get(question.branch)
  if (branch?.question !== id) return
  branch.question = undefined
  setBlocked(state, branch, false)
  setBranchStatus(state, branch, 'routing')
}
