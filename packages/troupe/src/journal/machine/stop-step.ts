/** Begins the stop procedure, and handles triggers that arrive meanwhile. */
import { failure } from '../../core/index.ts'
import { hashOfInput } from '../steps/step-end.ts'
import { closeStep, endStopped } from './close-step.ts'
import { wakeParked } from './create-execution.ts'
import { executionOf, type StepControl, stopOf } from './step-data.ts'
import { abortReason, createStop, type StopReason, stopTable } from './stop-reason.ts'
import type { TriggerOf } from './trigger.ts'

export function stopForReason(step: StepControl, { reason }: { readonly reason: StopReason }): void {
  beginStop(step, reason)
}

export function stopParked(step: StepControl, { reason }: { readonly reason: StopReason }): void {
  wakeParked(step)
  beginStop(step, reason)
}

export function beginStop(step: StepControl, asked: StopReason): void {
  const { data } = step
  const reason = asked.kind === 'code.changed' ? { ...asked, problem: problemOf(step, asked.problem) } : asked
  data.stop = createStop(reason)
  data.ending = undefined
  step.timers.watch(undefined, 0)
  executionOf(step).stop(stopTable[reason.kind].calls, abortReason(reason, data.spec.id))
  data.turn?.stop()
  step.enter('stopping')
  setDeadline(step, reason)
}

function problemOf(step: StepControl, problem: string): string {
  const { inputHash } = executionOf(step).record
  const isOther = inputHash !== undefined && inputHash !== hashOfInput(step.data.spec.input)
  return isOther ? `${problem}; and its input is another` : problem
}

/** Starts the timer after which the step no longer waits for code and effects that ignore their signal. */
export function setDeadline(step: StepControl, { kind }: StopReason): void {
  const { context, data, timers } = step
  if (!stopTable[kind].isBounded) return
  const { unwindMs } = context.limits
  timers.wait('deadline', kind === 'cancel' ? (data.spec.graceMs ?? unwindMs) : unwindMs)
}

/** Handles a further stop reason. One that does not replace the first one still aborts the effects and sets the deadline. */
export function replaceStop(step: StepControl, { reason }: { readonly reason: StopReason }): void {
  const stop = stopOf(step)
  const isFirstDeadline = !stopTable[stop.reason.kind].isBounded
  executionOf(step).stop(stopTable[reason.kind].calls, abortReason(reason, step.data.spec.id))
  if (stopTable[stop.reason.kind].replacedBy.includes(reason.kind)) stop.reason = reason
  if (isFirstDeadline) setDeadline(step, reason)
}

export function rememberStop({ data }: StepControl, { reason }: { readonly reason: StopReason }): void {
  data.stop ??= createStop(reason)
}

export function drainStep(step: StepControl): void {
  const drainReason = { kind: 'drain' } as const
  switch (step.data.state) {
    case 'loading':
      rememberStop(step, { reason: { kind: 'close' } })
      return
    case 'stopping':
      replaceStop(step, { reason: drainReason })
      return
    case 'backoff':
      endStopped(step, { reason: drainReason })
      return
    default:
      beginStop(step, drainReason)
      return
  }
}

export function noteHead(step: StepControl, { isFenced, canRecord }: TriggerOf<'headRead'>): void {
  const stop = stopOf(step)
  if (!isFenced) {
    closeStep(step, { status: 'lost' })
    return
  }
  stop.head = 'fenced'
  stop.isRecordable = canRecord
}

export function rejectRecord(step: StepControl, { part, rejection }: TriggerOf<'recordRejected'>): void {
  const stop = stopOf(step)
  step.data.buffer.requeue(part, part.fragments)
  if (stop.reason.kind === 'lost' && stop.head === 'fenced') {
    closeStep(step, { status: 'lost' })
    return
  }
  if (rejection.code !== 'journal.lost') throw failure(rejection.code, { ...rejection.detail })
  stop.progress = 'effects'
  stop.reason = { kind: 'lost' }
}

export function passDeadline(step: StepControl, { timer }: TriggerOf<'timer'>): void {
  if (timer === 'deadline') stopOf(step).isLate = true
}
