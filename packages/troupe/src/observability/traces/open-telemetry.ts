/**
 * Connects spans of Troupe with those of the application's OpenTelemetry in one trace: the spans of its HTTP client or database are
 * below the step, tool or model call that caused them.
 */
import { context, createContextKey, isSpanContextValid, TraceFlags, trace } from '@opentelemetry/api'
import type { EventContext, TraceContext } from '../../core/index.ts'

/** Executes `run` with the given span as parent in OpenTelemetry, if the application uses it. */
export function runInOpenTelemetryContext<Out>({ trace: traceId, span, isSampled }: EventContext, run: () => Out): Out {
  if (traceId === undefined || span === undefined) return run()
  const traceFlags = isSampled === false ? TraceFlags.NONE : TraceFlags.SAMPLED
  const spanContext = { traceId, spanId: span, traceFlags }
  return context.with(trace.setSpanContext(context.active(), spanContext), run)
}

/** Returns the surrounding span of the application. */
export function activeSpan(): TraceContext | undefined {
  const found = trace.getSpanContext(context.active())
  if (!found || !isSpanContextValid(found)) return undefined
  const { traceId, spanId, traceFlags } = found
  return { traceId, spanId, ...(traceFlags & TraceFlags.SAMPLED ? {} : { isSampled: false }) }
}

/** The key under which OpenTelemetry's SDK looks. */
const suppressed = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING')

/** Executes `run` without spans of OpenTelemetry, as its exporters do: a trace of each export would hide the others. */
export const runUntraced = <Out>(run: () => Out): Out => context.with(context.active().setValue(suppressed, true), run)
