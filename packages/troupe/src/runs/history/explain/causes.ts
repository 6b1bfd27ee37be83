/** The events that explain the status of a run: the failures of a failed run, the open requests of a waiting run. */
import type { NumberedEvent } from '../../engine/events/run-event.ts'

const failing = new Set(['step.failed', 'branch.failed', 'guard.tripped', 'question.expired', 'run.cancel-requested'])
const ending = new Set(['run.completed', 'run.failed', 'run.cancelled'])

/** @returns the failures or commands that ended the run; for a completed run, the ends of its branches */
export function causesOf(events: readonly NumberedEvent[], status: string): readonly NumberedEvent[] {
  if (status === 'completed') return events.filter((event) => event.type === 'run.completed' || isEnd(event))
  if (status === 'waiting') return openOf(events)
  return events.filter((event) => failing.has(event.type) || ending.has(event.type))
}

const isEnd = (event: NumberedEvent) => event.type === 'branch.completed' && event.as === 'ended'

/** Returns the open questions, the uncertain effects, and the pause. */
export function openOf(events: readonly NumberedEvent[]): readonly NumberedEvent[] {
  const open = new Map<string, NumberedEvent>()
  for (const event of events) {
    if (event.type === 'question.asked') open.set(event.question, event)
    else if (event.type.startsWith('question.') && 'question' in event) open.delete(event.question)
    else if (event.type === 'run.paused') open.set('paused', event)
    else if (event.type === 'run.resumed') open.delete('paused')
    else if (event.type === 'step.waiting' && event.reason !== 'parked') open.set(event.step, event)
    else if (endsStep.has(event.type) && 'step' in event) open.delete(event.step as string)
    else if (ending.has(event.type)) open.clear()
  }
  return [...open.values()]
}

const endsStep = new Set(['step.completed', 'step.failed', 'step.resumed', 'step.cancel-requested'])
