/** Ends a stopped step after its outcomes are recorded. */
import { entryText } from '../replay/log-entry.ts'
import { neverCommitted } from '../steps/step-end.ts'
import { applyDurable } from './apply-commit.ts'
import { closeStep } from './close-step.ts'
import { failStep } from './create-execution.ts'
import { executionOf, type StepControl, stopOf } from './step-data.ts'
import { type StopReason, stoppedEnd } from './stop-reason.ts'
import { setDeadline } from './stop-step.ts'
import type { TriggerOf } from './trigger.ts'

/** Ends the step as its stop reason determines. */
export function finishStop(step: StepControl, { part }: TriggerOf<'recorded'>): void {
  const { data } = step
  if (part) applyDurable(step, part)
  const stop = stopOf(step)
  const { reason } = stop
  switch (reason.kind) {
    case 'retry':
      backOff(step, reason)
      return
    case 'fail':
      failStep(step, reason.error)
      return
    case 'code.changed':
      closeStep(step, { status: 'code.changed', problem: reason.problem })
      return
    case 'lost':
      closeStep(step, { status: stop.head === 'fenced' ? 'cancelled' : 'lost' })
      return
    case 'drain':
    case 'close':
      closeStep(step, stoppedEnd(reason))
      return
    case 'cancel':
      if (data.code !== 'running' || stop.progress === 'unwinding') {
        closeStep(step, stoppedEnd(reason))
        return
      }
      stop.progress = 'unwinding'
      stop.isLate = false
      setDeadline(step, reason)
  }
}

function backOff(step: StepControl, { rejection }: Extract<StopReason, { readonly kind: 'retry' }>): void {
  const { context, data } = step
  const { limits, random } = context
  const execution = executionOf(step)
  const attempt = execution.record.attempts + 1
  execution.stop('silent', 'parked')
  if (attempt >= limits.attempts) {
    failStep(step, neverCommitted(rejection, data.spec.id, attempt))
    return
  }
  step.enter('backoff')
  step.timers.wait('backoff', limits.backoffMs * 2 ** (attempt - 1) * (0.5 + random.next()))
}

/** Returns the entries that a stop records besides outcomes. */
export function remarksOf(step: StepControl): readonly string[] {
  const { reason } = stopOf(step)
  if (reason.kind === 'retry') {
    const attempt = executionOf(step).record.attempts + 1
    return [entryText({ t: 'turn.failed', attempt, code: reason.rejection.code })]
  }
  const isInOrder = reason.kind === 'close' || reason.kind === 'drain'
  return isInOrder && step.data.spec.entry === 'restart' ? [entryText({ t: 'stopped' })] : []
}
