/** The events of a step: events within it have its place in the trace, and its end is an event. */
import {
  type Clock,
  type Events,
  type Json,
  type StoredError,
  sampledField,
  spanIdOf,
  storeError,
  type TraceContext,
  traceIdOfRoot,
} from '../../core/index.ts'
import type { Recorder } from '../recorder-port.ts'
import type { StepEnd, StepSpec } from '../steps-port.ts'

export interface Observed {
  readonly clock: Clock
  readonly events?: Events
  readonly thrown: ThrownErrors
}
type Program = (recorder: Recorder) => Promise<Json>

/** The part of a step that has its place in a trace. */
export type TracedStep = Pick<
  StepSpec,
  'id' | 'principal' | 'runId' | 'threadId' | 'traceId' | 'parentSpan' | 'isSampled'
>

/** Returns the trace and the span of a step, the same at each execution. */
export const traceOf = (step: TracedStep): TraceContext => {
  const { id, principal, runId, traceId } = step
  return {
    traceId: traceId ?? traceIdOfRoot(principal.userId, runId === undefined ? id : `run:${runId}`),
    spanId: spanIdOf(principal.userId, id),
    ...sampledField(step),
  }
}

export const eventContextOf = (spec: TracedStep) => {
  const { id, principal, runId, threadId, parentSpan } = spec
  const { traceId, spanId } = traceOf(spec)
  return {
    userId: principal.userId,
    stepId: id,
    agent: principal.name,
    trace: traceId,
    span: spanId,
    ...(runId === undefined ? {} : { runId }),
    ...(threadId === undefined ? {} : { threadId }),
    ...(parentSpan === undefined ? {} : { parent: parentSpan }),
    ...sampledField(spec),
  }
}

/** Runs code and commits of the step in its trace. Staged writes emit their events at the commit, after the code has returned. */
export const withinStep = <Out>(
  { events }: Pick<Observed, 'events'>,
  around: ReturnType<typeof eventContextOf>,
  run: () => Out,
): Out => (events ? events.within(around, run) : run())

/** The errors of the code of steps as they were thrown: the records have them without stacks. */
export class ThrownErrors {
  readonly #errors = new WeakMap<object, unknown>()

  /** @param step returns the object that executes the program */
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

/** Emits the end of a step, or its release if it waits. */
export function emitStepEnd(
  { events, clock, thrown }: Observed,
  { about, startedAt }: StepSpec,
  around: ReturnType<typeof eventContextOf>,
  step: { readonly end: Promise<StepEnd> },
): void {
  if (!events) return
  const began = clock.monotonic()
  const emit = (status: StepEnd['status'] | 'crashed', failed?: StoredError, error: unknown = failed) =>
    events.emit(
      {
        ...around,
        ...about,
        type: 'step.released',
        at: clock.now(),
        status,
        success: status !== 'failed' && status !== 'crashed',
        durationMs: clock.monotonic() - began,
        ...(startedAt === undefined ? {} : { startedAt }),
        ...(failed ? { code: failed.code } : {}),
        ...(failed?.errorId === undefined ? {} : { errorId: failed.errorId }),
      },
      error === undefined ? undefined : () => ({ error }),
    )
  void step.end.then(
    (ended) => {
      if (ended.status !== 'failed') return emit(ended.status)
      // The error that ended the step may differ from the last one that its code threw.
      const error = thrown.of(step)
      const isThrown = error !== undefined && storeError(error).errorId === ended.error.errorId
      emit('failed', ended.error, isThrown ? error : ended.error)
    },
    (error: unknown) => emit('crashed', undefined, error),
  )
}
