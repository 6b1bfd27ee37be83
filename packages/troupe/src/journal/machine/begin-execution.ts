/** Starts executions of the code of a step, and handles their triggers. */
import { logOf, stepEndOf } from '../steps/step-end.ts'
import { closeStep } from './close-step.ts'
import { createExecution, failStep, wakeParked } from './create-execution.ts'
import { executionOf, type StepControl } from './step-data.ts'
import { stoppedEnd } from './stop-reason.ts'
import { beginStop } from './stop-step.ts'
import type { TriggerOf } from './trigger.ts'

export function beginExecution(step: StepControl, { content, crashed }: TriggerOf<'loaded'>): void {
  const { data } = step
  if (content?.closed) {
    closeStep(step, stepEndOf(content))
    return
  }
  if (data.stop) {
    closeStep(step, stoppedEnd(data.stop.reason))
    return
  }
  if (crashed) {
    failStep(step, crashed)
    return
  }
  createExecution(step, logOf(content?.records ?? []))
  data.code = 'waiting'
  data.inbox.isDirty = content !== undefined
  step.enter('running')
  if (!content) step.startCode()
}

/** Handles a trigger without data. `advanceStep` then starts the due actions. */
export function recheck(): void {}

export function completeStep(step: StepControl, { end: programEnd }: TriggerOf<'programEnded'>): void {
  const { data } = step
  data.code = 'ended'
  data.ending = { end: programEnd, isDecided: false, isFailure: false }
  executionOf(step).programEnded()
  step.enter('completing')
}

export function completeParked(step: StepControl, trigger: TriggerOf<'programEnded'>): void {
  wakeParked(step)
  completeStep(step, trigger)
}

export function noteProgramEnd({ data }: StepControl): void {
  data.code = 'ended'
}

export function checkStall(step: StepControl, { timer }: TriggerOf<'timer'>): void {
  const execution = executionOf(step)
  const { missing, effects } = execution
  // A running function may still make the call.
  if (timer !== 'stall' || missing === undefined || effects.working > 0 || effects.size > 0) return
  beginStop(step, {
    kind: 'code.changed',
    problem: `the record continues with ${missing}, which the code does not call`,
  })
}

export function resumeParked(step: StepControl, { spec }: TriggerOf<'execute'>): void {
  const { data } = step
  data.spec = spec
  data.inbox.isDirty = true
  wakeParked(step)
  step.listen()
}

export function retryStep(step: StepControl, { timer }: TriggerOf<'timer'>): void {
  if (timer !== 'backoff') return
  step.data.stop = undefined
  step.enter('loading')
  step.perform({ do: 'load', isRestart: true })
}
