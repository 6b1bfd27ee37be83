/** What observers are told of a step: what happens within it carries its place in the trace, and its end is an event. */
import { type Clock, type Events, type Json, traceOf } from '../../core/index.ts'
import type { Recorder } from '../recorder-port.ts'
import type { StepEnd, StepSpec } from '../steps-port.ts'

interface Observed {
  readonly clock: Clock
  readonly events?: Events
  readonly thrown?: (error: unknown) => void
}
type Program = (recorder: Recorder) => Promise<Json>

const eventContextOf = ({ id, principal, runId, traceId, parentSpan }: StepSpec) => {
  const trace = traceOf(principal.userId, runId === undefined ? id : `run:${runId}`, id)
  return {
    userId: principal.userId,
    stepId: id,
    agent: principal.name,
    trace: traceId ?? trace.traceId,
    span: trace.spanId,
    ...(runId === undefined ? {} : { runId }),
    ...(parentSpan === undefined ? {} : { parent: parentSpan }),
  }
}

/** Its code and its commits alike: what is staged is told of when it stands, after the code has returned. */
export const withinStep = <Out>({ events }: Observed, spec: StepSpec, run: () => Out): Out =>
  events ? events.within(eventContextOf(spec), run) : run()

/** What it throws is told as it was thrown. */
export function observedProgram({ thrown }: Observed, program: Program): Program {
  if (!thrown) return program
  return (recorder) =>
    program(recorder).catch((error: unknown) => {
      thrown(error)
      throw error
    })
}

/** A step that waits is left, and told of again when it goes on. */
export function emitStepEnd({ events, clock }: Observed, spec: StepSpec, end: Promise<StepEnd>): void {
  if (!events) return
  const began = clock.monotonic()
  const around = eventContextOf(spec)
  const emit = (status: StepEnd['status'] | 'crashed', more: { readonly code?: string }) =>
    events.emit({
      ...around,
      ...spec.about,
      type: 'step.released',
      at: clock.now(),
      status,
      success: status !== 'failed' && status !== 'crashed',
      durationMs: clock.monotonic() - began,
      ...more,
    })
  void end.then(
    (ended) => emit(ended.status, 'error' in ended ? { code: ended.error.code } : {}),
    () => emit('crashed', {}),
  )
}
