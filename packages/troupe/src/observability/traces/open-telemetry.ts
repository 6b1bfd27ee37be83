/**
 * Connects spans of Troupe with those of the application's OpenTelemetry in one trace: the spans of its HTTP client or database are
 * below the step, tool or model call that caused them.
 */
import { context, isSpanContextValid, trace } from '@opentelemetry/api'
import type { EventContext, TraceContext } from '../../core/index.ts'

const sampled = 1

/** Executes `run` with the given span as parent in OpenTelemetry, if the application uses it. */
export function runInOpenTelemetryContext<Out>({ trace: traceId, span }: EventContext, run: () => Out): Out {
  if (traceId === undefined || span === undefined) return run()
  const spanContext = { traceId, spanId: span, traceFlags: sampled }
  return context.with(trace.setSpanContext(context.active(), spanContext), run)
}

/** Returns the surrounding span of the application. */
export function activeSpan(): TraceContext | undefined {
  const found = trace.getSpanContext(context.active())
  return found && isSpanContextValid(found) ? { traceId: found.traceId, spanId: found.spanId } : undefined
}
