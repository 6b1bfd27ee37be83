/** Adds rows of the inbox to the record of the step. */
import { receive } from '../steps/waits.ts'
import { wakeParked } from './create-execution.ts'
import { executionOf, type StepControl } from './step-data.ts'
import type { TriggerOf } from './trigger.ts'

export function drainInbox(step: StepControl, { rows }: TriggerOf<'inboxRead'>): void {
  const { data, context } = step
  const { inbox } = data
  const execution = executionOf(step)
  const fresh = rows.filter((row) => !inbox.claimed.has(row.id))
  if (fresh.length > 0) {
    for (const row of fresh) {
      inbox.claimed.add(row.id)
      receive(execution, row)
    }
    const ids = fresh.map((row) => row.id)
    data.buffer.addRows(ids, context.inbox.remove(data.spec.principal.userId, data.spec.id, ids))
  }
  if (fresh.length >= inboxBatch) inbox.isDirty = true
  else if (data.code === 'waiting') step.startCode()
}

/** The number of rows of the inbox that one read returns. */
export const inboxBatch = 100

export function drainParkedInbox(step: StepControl, trigger: TriggerOf<'inboxRead'>): void {
  if (trigger.rows.every((row) => step.data.inbox.claimed.has(row.id))) return
  wakeParked(step)
  drainInbox(step, trigger)
}

export function noteArrival({ data }: StepControl): void {
  data.inbox.isDirty = true
}

/** A run that is paused executes its steps when it resumes. */
export function noteArrivalParked({ data }: StepControl): void {
  if (data.spec.canResume?.() !== false) data.inbox.isDirty = true
}
