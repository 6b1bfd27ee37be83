/** Explains why a run failed or was cancelled, and which guard ended it. */
import { restoreError, type StoredError } from '../../../core/index.ts'
import type { NumberedEvent } from '../../engine/events/run-event.ts'
import { heldText } from '../../machine/budgets/budget-use.ts'
import type { PastRun } from '../past-run.ts'
import type { ExplanationLine } from './explanation-line.ts'

const guards: { readonly [name: string]: string } = {
  steps: 'Raise config.budget.steps, or look for agents that go in circles.',
  tokens: 'Raise config.budget.tokens, or give agents less to read.',
  cost: 'Raise config.budget.cost, or use a cheaper model.',
  time: 'Raise config.budget.time.',
  depth: 'Raise config.budget.depth, or invoke less deeply.',
  hops: 'Raise config.budget.hops.',
  branches: 'Raise config.budget.branches, or let agents invoke fewer at a time.',
  journal: 'Split the work into child runs (ctx.startRun).',
  pingPong: 'Two agents handed the work back and forth: let one of them decide.',
  noProgress: 'A branch repeated itself without progress: let its agent end.',
  repetition: 'An agent repeated one call: instruct it for the case that a tool returns nothing new.',
  deadlock: 'Agents waited for each other: give one of them serve().',
}

export function explainFailure({ events }: PastRun, status: string): readonly ExplanationLine[] {
  const sentences: ExplanationLine[] = []
  const add = (about: 'failed' | 'guard', text: string, { seq }: NumberedEvent, error?: StoredError) =>
    void sentences.push({ about, text, seq, ...(error ? { error } : {}) })
  for (const event of events) {
    if (event.type === 'guard.tripped') {
      const { name, used, limit, detail } = event.guard
      const measure = limit > 0 ? ` at ${used} of ${limit}${heldText(event.guard)}` : ''
      add(
        'guard',
        `The guard ${name} stopped it${measure}${detail ? `: ${detail}` : '.'} ${guards[name] ?? ''}`.trim(),
        event,
      )
    }
    if (event.type === 'run.retried')
      add('failed', `It was retried, attempt ${event.attempt}, after: ${event.error.message}`, event, event.error)
    if (event.type === 'run.cancelled') add('failed', `It was cancelled by ${event.by}.`, event)
  }
  const cause = status === 'failed' ? rootFailureOf(events) : undefined
  if (cause) {
    const { agent, step, error, seq } = cause
    const attempts = attemptsOf(events, step)
    const attemptsText = attempts > 1 ? `, tried ${attempts} times` : ''
    const { hint } = restoreError(error)
    sentences.push({
      about: 'failed',
      text: `It failed because ${agent} (${step}${attemptsText}) failed: ${error.message} [${error.code}]${hint ? ` ${hint}` : ''}`,
      seq,
      error,
    })
  }
  const end = events.findLast((event) => event.type === 'run.failed')
  if (end?.type === 'run.failed' && end.error.message !== cause?.error.message)
    add('failed', `It ended with: ${end.error.message} [${end.error.code}]`, end, end.error)
  return sentences
}

type Failed = Extract<NumberedEvent, { readonly type: 'step.failed' }>

/**
 * Returns the last step that failed by itself or at its own time limit; cancelled steps failed because of it. A step
 * that served a request too late is the cause of the failure of the requesting step, if that failed with it.
 */
export function rootFailureOf(events: readonly NumberedEvent[]): Failed | undefined {
  const cancelRequested = new Set<string>()
  let root: Failed | undefined
  for (const event of events) {
    if (event.type === 'step.cancel-requested' && (event.cancellation.as !== 'failed' || event.step.includes('>')))
      cancelRequested.add(event.step)
    if (event.type === 'step.failed' && !cancelRequested.has(event.step)) root = event
  }
  return root
}

function attemptsOf(events: readonly NumberedEvent[], step: string): number {
  const started = events.find((event) => event.type === 'step.started' && event.step === step)
  return started?.type === 'step.started' ? started.attempt : 1
}
