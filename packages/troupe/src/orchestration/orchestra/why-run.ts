/** Why a run stands as it does: the events that led to it, in their order. */
import type { NumberedEvent } from './run-event.ts'

export interface Why {
  readonly status: string
  readonly reason?: string
  readonly because: readonly NumberedEvent[]
}

const failing = new Set(['step.failed', 'branch.failed', 'guard.tripped', 'question.expired', 'run.recalled'])
const ending = new Set(['run.completed', 'run.failed', 'run.cancelled'])

/** @returns what failed or was asked for and led there; of a run that completed, the ends of its branches */
export function whyRun(events: readonly NumberedEvent[], status: string, reason: string | null): Why {
  const because =
    status === 'completed'
      ? events.filter((event) => event.type === 'run.completed' || isEnd(event))
      : status === 'waiting'
        ? openOf(events)
        : events.filter((event) => failing.has(event.type) || ending.has(event.type))
  return { status, ...(reason === null ? {} : { reason }), because }
}

const isEnd = (event: NumberedEvent) => event.type === 'branch.completed' && event.as === 'ended'

/** Questions without an answer, steps that wait for a decision, the pause. */
function openOf(events: readonly NumberedEvent[]): readonly NumberedEvent[] {
  const open = new Map<string, NumberedEvent>()
  for (const event of events) {
    if (event.type === 'question.asked') open.set(event.question, event)
    else if (event.type.startsWith('question.') && 'question' in event) open.delete(event.question)
    else if (event.type === 'run.paused') open.set('paused', event)
    else if (event.type === 'run.continued') open.delete('paused')
    else if (event.type === 'step.waiting' && event.reason !== 'parked') open.set(event.step, event)
    else if ((event.type === 'step.completed' || event.type === 'step.resumed') && 'step' in event)
      open.delete(event.step)
  }
  return [...open.values()]
}
