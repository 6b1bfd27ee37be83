/** Folds of what steps ask of other agents of the run, and of the answers to all that steps have asked. */
import { taintField } from '../../../core/index.ts'
import { changeStep } from '../branches/branch-counts.ts'
import { addTo, dict, ownDict } from '../dict.ts'
import type { Folds } from '../folds.ts'
import type { EventOf } from '../machine-events.ts'
import type { StepAnswer } from '../result.ts'
import { must, type State } from '../state.ts'
import { resume } from './step-folds.ts'
import { enqueue, requestQueue } from './step-queue.ts'
import { createStep } from './steps-slice.ts'

export const requestFolds = {
  'request.made': made,
  'answer.delivered': (state, event) => {
    const { steps } = state
    const step = must(steps.open.get(event.step), event.step)
    const answers = steps.answers.get(step.id)
    if (answers) answers.push(answerOf(event))
    else steps.answers.set(step.id, [answerOf(event)])
    resume(state, step)
  },
  'answer.deferred': ({ questions }, event) => {
    questions.deferred.push(answerOf(event))
  },
} satisfies Partial<Folds>

const answerOf = ({ step, wait, answer, taint }: EventOf<'answer.delivered' | 'answer.deferred'>): StepAnswer => ({
  step,
  wait,
  answer,
  ...taintField(taint),
})

function made(state: State, event: EventOf<'request.made'>): void {
  const { steps } = state
  const { step: id, branch, node, agent, depth, from, fromAgent, wait, message, payload, timeoutMs } = event
  const serve = { from, fromAgent, wait, message, payload, timeoutMs }
  steps.open.set(id, createStep({ id, branch, node, agent, depth, serve, status: 'ready' }))
  enqueue(state, requestQueue, id)
  steps.requestEdges[fromAgent] ??= dict<{ [other: string]: number }>()
  addTo(steps.requestEdges[fromAgent], agent, 1)
  const asker = must(steps.open.get(from), from)
  changeStep(state, asker, () => {
    ownDict(asker, 'requests')[id] = true
    asker.openRequests += 1
  })
}
