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

const surroundingsOf = ({ id, principal, runId, parentSpan }: StepSpec, { traceId, spanId }: Recorder['trace']) => ({
  userId: principal.userId,
  stepId: id,
  agent: principal.name,
  trace: traceId,
  span: spanId,
  ...(runId === undefined ? {} : { runId }),
  ...(parentSpan === undefined ? {} : { parent: parentSpan }),
})

export function observedProgram({ events, thrown }: Observed, spec: StepSpec, program: Program): Program {
  if (!events) return program
  const told: Program = thrown
    ? (recorder) =>
        program(recorder).catch((error: unknown) => {
          thrown(error)
          throw error
        })
    : program
  return (recorder) => events.within(surroundingsOf(spec, recorder.trace), () => told(recorder))
}

/** A step that waits is left, and told of again when it goes on. */
export function tellEnd({ events, clock }: Observed, spec: StepSpec, end: Promise<StepEnd>): void {
  if (!events) return
  const began = clock.monotonic()
  const { id, principal, runId, traceId } = spec
  const trace = { ...traceOf(principal.userId, runId === undefined ? id : `run:${runId}`, id) }
  const around = surroundingsOf(spec, traceId === undefined ? trace : { ...trace, traceId })
  const tell = (status: string, more: { readonly code?: string }) =>
    events.emit({
      ...around,
      ...spec.about,
      type: 'step.left',
      at: clock.now(),
      status,
      success: status !== 'failed' && status !== 'broken',
      durationMs: clock.monotonic() - began,
      ...more,
    })
  void end.then(
    (ended) => tell(ended.status, 'error' in ended ? { code: ended.error.code } : {}),
    () => tell('broken', {}),
  )
}
