/** The steps of a run in the order of their start: agent, start, end, outcome and work time. */
import type { NumberedEvent } from '../../engine/events/run-event.ts'

/** A step of a run, with its times. */
export interface ExecutedStep {
  /** The id of the step. */
  readonly step: string
  /** The name of the agent. */
  readonly agent: string
  /** The id of the branch. */
  readonly branch: string
  /** The number of the attempt, from 1. */
  readonly attempt: number
  /** The `seq` of its start. */
  readonly seq: number
  /** The time of its start, in ms since 1970. */
  readonly startedAt: number
  /** The status at the last event. */
  readonly status: 'running' | 'waiting' | 'completed' | 'failed'
  /** The time in ms in which it executed; its waits do not count. */
  readonly workMs: number
}

type OpenStep = { -readonly [key in keyof ExecutedStep]: ExecutedStep[key] } & { since: number }

/** @param until ms since 1970, the end of steps that are open */
export function stepsOf(events: readonly NumberedEvent[], until: number): readonly ExecutedStep[] {
  const steps = new Map<string, OpenStep>()
  for (const event of events) {
    if (event.type === 'step.started') {
      const { step, agent, branch, attempt, seq, at } = event
      steps.set(step, { step, agent, branch, attempt, seq, startedAt: at, since: at, status: 'running', workMs: 0 })
      continue
    }
    const step = 'step' in event && event.step !== undefined ? steps.get(event.step) : undefined
    if (step) applyEvent(step, event)
  }
  return [...steps.values()].map(({ since, ...step }) =>
    step.status === 'running' ? { ...step, workMs: step.workMs + Math.max(0, until - since) } : step,
  )
}

function applyEvent(step: OpenStep, { type, at }: NumberedEvent): void {
  if (type === 'step.resumed' || type === 'answer.delivered') {
    if (step.status === 'waiting') step.since = at
    step.status = 'running'
    return
  }
  if (type !== 'step.waiting' && type !== 'step.completed' && type !== 'step.failed') return
  if (step.status === 'running') step.workMs += at - step.since
  step.status = type === 'step.waiting' ? 'waiting' : type === 'step.completed' ? 'completed' : 'failed'
}
