/** Ends a step in this process: with an outcome, without one, or broken. */
import { failure } from '../../core/index.ts'
import type { StepEnd } from '../steps-port.ts'
import type { StepControl } from './step-data.ts'
import { type StopReason, stoppedEnd } from './stop-reason.ts'
import type { TriggerOf } from './trigger.ts'

export function closeStep(step: StepControl, stepEnd: StepEnd): void {
  const { data } = step
  if (stepEnd.status !== 'completed' && stepEnd.status !== 'failed') data.execution?.stop('silent', 'parked')
  step.enter('ended')
  step.release()
  data.end.resolve(stepEnd)
}

export function endLost(step: StepControl): void {
  closeStep(step, { status: 'lost' })
}

/** Ends a step whose user is erased. */
export function endErased(step: StepControl): void {
  const { userId } = step.data.spec.principal
  closeStep(step, { status: 'lost', error: failure('user.forgotten', { user: userId }) })
}

export function endStopped(step: StepControl, { reason }: { readonly reason: StopReason }): void {
  closeStep(step, stoppedEnd(reason))
}

/** Drops the continuation: its `finally` does not run, and its `ctx` answers no call. */
export function dropParked(step: StepControl): void {
  closeStep(step, { status: 'parked', waits: [] })
}

export function breakOff(step: StepControl, { error }: TriggerOf<'broken'>): void {
  const { data, context } = step
  const { execution, spec } = data
  execution?.stop('silent', error)
  // An effect that is in progress adds its outcome later.
  if (execution && execution.unrecorded.size + execution.effects.size > 0)
    context.unrecorded.add(spec.principal.userId, spec.id, execution.unrecorded)
  step.enter('ended')
  step.release()
  data.end.reject(error)
}
