/**
 * Our spans and those of a host's own OpenTelemetry are one trace: what the host has instrumented (its HTTP client, its
 * database) hangs below the step, tool or model call that it works for.
 */
import { context, trace } from '@opentelemetry/api'
import type { EventContext } from '../../core/index.ts'

const sampled = 1

/** What `run` does has our span as its parent in OpenTelemetry; nothing where the host has none. */
export function runInOpenTelemetryContext<Out>({ trace: traceId, span }: EventContext, run: () => Out): Out {
  if (traceId === undefined || span === undefined) return run()
  const spanContext = { traceId, spanId: span, traceFlags: sampled }
  return context.with(trace.setSpanContext(context.active(), spanContext), run)
}

/** The span of the host around this call. */
export function activeSpan(): { readonly trace: string; readonly span: string } | undefined {
  const found = trace.getSpanContext(context.active())
  return found && { trace: found.traceId, span: found.spanId }
}
