/** What observers are told of a step: what happens within it carries its place in the trace, and its end is an event. */
import { type Clock, type Events, type Json, type StoredError, storeError, traceOf } from '../../core/index.ts'
import type { Recorder } from '../recorder-port.ts'
import type { StepEnd, StepSpec } from '../steps-port.ts'

export interface Observed {
  readonly clock: Clock
  readonly events?: Events
  readonly thrown: ThrownErrors
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
export const withinStep = <Out>({ events }: Pick<Observed, 'events'>, spec: StepSpec, run: () => Out): Out =>
  events ? events.within(eventContextOf(spec), run) : run()

/** What the code of steps threw, as it was thrown: the records have it without its stack. */
export class ThrownErrors {
  readonly #errors = new WeakMap<object, unknown>()

  /** @param step what carries out the program, and is asked for later */
  observed(program: Program, step: () => object): Program {
    return (recorder) =>
      program(recorder).catch((error: unknown) => {
        this.#errors.set(step(), error)
        throw error
      })
  }
  of(step: object): unknown {
    return this.#errors.get(step)
  }
}

/** A step that waits is left, and told of again when it goes on. */
export function emitStepEnd(
  { events, clock, thrown }: Observed,
  spec: StepSpec,
  step: { readonly end: Promise<StepEnd> },
): void {
  if (!events) return
  const began = clock.monotonic()
  const around = eventContextOf(spec)
  const emit = (status: StepEnd['status'] | 'crashed', failed?: StoredError, error: unknown = failed) =>
    events.emit(
      {
        ...around,
        ...spec.about,
        type: 'step.released',
        at: clock.now(),
        status,
        success: status !== 'failed' && status !== 'crashed',
        durationMs: clock.monotonic() - began,
        ...(failed ? { code: failed.code } : {}),
        ...(failed?.errorId === undefined ? {} : { errorId: failed.errorId }),
      },
      error === undefined ? undefined : () => ({ error }),
    )
  void step.end.then(
    (ended) => {
      if (ended.status !== 'failed') return emit(ended.status)
      // What ended the step may be another thing than what its code threw last.
      const error = thrown.of(step)
      const isThrown = error !== undefined && storeError(error).errorId === ended.error.errorId
      emit('failed', ended.error, isThrown ? error : ended.error)
    },
    (error: unknown) => emit('crashed', undefined, error),
  )
}
