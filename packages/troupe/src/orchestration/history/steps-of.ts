/** The steps of a run, in the order of their start: who, when, how they ended, and how long they worked. */
import type { NumberedEvent } from '../orchestra/run-event.ts'

export interface StepTaken {
  readonly step: string
  readonly agent: string
  readonly branch: string
  readonly attempt: number
  /** Of its start. */
  readonly seq: number
  /** ms since 1970. */
  readonly startedAt: number
  readonly status: 'running' | 'waiting' | 'completed' | 'failed'
  /** ms, without what it waited. */
  readonly workMs: number
}

type Taken = { -readonly [key in keyof StepTaken]: StepTaken[key] } & { since: number }

/** @param until ms since 1970, for those that are open */
export function stepsOf(events: readonly NumberedEvent[], until: number): readonly StepTaken[] {
  const steps = new Map<string, Taken>()
  for (const event of events) {
    if (event.type === 'step.started') {
      const { step, agent, branch, attempt, seq, at } = event
      steps.set(step, { step, agent, branch, attempt, seq, startedAt: at, since: at, status: 'running', workMs: 0 })
      continue
    }
    const step = 'step' in event && event.step !== undefined ? steps.get(event.step) : undefined
    if (step) take(step, event)
  }
  return [...steps.values()].map(({ since, ...step }) =>
    step.status === 'running' ? { ...step, workMs: step.workMs + Math.max(0, until - since) } : step,
  )
}

function take(step: Taken, { type, at }: NumberedEvent): void {
  if (type === 'step.resumed' || type === 'answer.sent') {
    if (step.status === 'waiting') step.since = at
    step.status = 'running'
    return
  }
  if (type !== 'step.waiting' && type !== 'step.completed' && type !== 'step.failed') return
  if (step.status === 'running') step.workMs += at - step.since
  step.status = type === 'step.waiting' ? 'waiting' : type === 'step.completed' ? 'completed' : 'failed'
}
