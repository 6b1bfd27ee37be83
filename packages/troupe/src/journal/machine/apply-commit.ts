/** Applies the outcome of a change to the step: to its claims, answers, rows and writes. */
import { failure, type Json, type StoredError } from '../../core/index.ts'
import { invalidTurn } from '../steps/step-end.ts'
import { clearEffects } from '../steps/waits.ts'
import type { StepPart } from '../turns/commit-buffer.ts'
import { closeStep } from './close-step.ts'
import { executionOf, type StepControl } from './step-data.ts'
import { beginStop, replaceStop } from './stop-step.ts'
import type { TriggerOf } from './trigger.ts'

export function applyCommit(step: StepControl, { part }: TriggerOf<'committed'>): void {
  rejectClaims(part)
  part.turn?.committed()
  applyDurable(step, part)
  for (const claim of part.claims) claim.started()
  if (part.turn?.end) endWith(step, part.turn.end)
}

/** Rejects the effects whose claims were left out of the change. */
export function rejectClaims({ rejected }: StepPart): void {
  if (rejected.length === 0) return
  for (const { claim, rejection } of rejected.splice(0)) claim.rejected(rejection)
}

export function applyDurable(step: StepControl, part: StepPart): void {
  const execution = executionOf(step)
  for (const item of part.answers) execution.ready(item)
  for (const row of part.rows) step.data.inbox.claimed.delete(row)
  clearEffects(execution, part.cleared)
}

function endWith(step: StepControl, ending: { readonly value: Json } | { readonly error: StoredError }): void {
  executionOf(step).stop('silent')
  closeStep(
    step,
    'value' in ending ? { status: 'completed', outcome: ending.value } : { status: 'failed', error: ending.error },
  )
}

export function retryTurn(step: StepControl, trigger: TriggerOf<'rejected'>): void {
  const { rejection } = trigger
  // A change that has only the error of a failed step cannot be committed in another form.
  if (step.data.ending?.isFailure) throw failure(rejection.code, { ...rejection.detail })
  requeueRejected(step, trigger)
  beginStop(step, { kind: 'retry', rejection })
}

export function requeueRejected(step: StepControl, { part, rejection }: TriggerOf<'rejected'>): void {
  rejectClaims(part)
  const isOfTurn = rejection.part >= part.fragments.length
  step.data.buffer.requeue(part, isOfTurn ? part.fragments : [])
}

export function failTurn(step: StepControl, trigger: TriggerOf<'invalid'>): void {
  if (step.data.ending?.isFailure) throw trigger.error
  requeueInvalid(step, trigger)
  beginStop(step, { kind: 'fail', error: invalidTurn(trigger.error) })
}

export function requeueInvalid(step: StepControl, { part }: TriggerOf<'invalid'>): void {
  rejectClaims(part)
  step.data.buffer.requeue(part, part.fragments)
}

export function loseHead(step: StepControl, { part }: TriggerOf<'headLost'>): void {
  const { data } = step
  if (part) {
    rejectClaims(part)
    data.buffer.requeue(part, part.fragments)
  }
  if (data.state === 'stopping') replaceStop(step, { reason: { kind: 'lost' } })
  else beginStop(step, { kind: 'lost' })
}
