/** Creates the executions of a step: for its code, and for its end with an error. */
import type { TroupeError } from '../../core/index.ts'
import { StepRecord } from '../replay/step-record.ts'
import { Execution } from '../steps/execution.ts'
import { executionParts, needsLease } from '../steps/steps-context.ts'
import { Turn } from '../turns/turn.ts'
import type { StepControl } from './step-data.ts'

export function createExecution(step: StepControl, record: StepRecord, before?: Execution): Execution {
  const { context, data, port } = step
  const { buffer } = data
  const checkLease = needsLease(data.spec) ? context.checkLease : undefined
  const { principal, id } = data.spec
  const unrecorded = context.unrecorded.take(principal.userId, id)
  const { redact } = context
  const parts = { ...executionParts(context), record, buffer, checkLease, redact, port, unrecorded, before }
  const execution = new Execution(parts)
  data.execution = execution
  data.turn = new Turn(execution)
  return execution
}

/** Ends the step with this error, in a new execution without the staged writes of the previous one. */
export function failStep(step: StepControl, error: TroupeError): void {
  const { data } = step
  data.code = 'ended'
  data.ending = { end: { thrown: error }, isDecided: true, isFailure: true }
  createExecution(step, data.execution?.record ?? new StepRecord(), data.execution).programEnded()
  data.stop = undefined
  step.enter('completing')
}
/** Continues the code of a parked step. */
export function wakeParked(step: StepControl): void {
  step.data.renewEnd()
  step.setParked(false)
  step.enter('running')
}
