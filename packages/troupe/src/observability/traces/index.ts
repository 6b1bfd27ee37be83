/** Traces: spans of runs, steps, model calls, tools and messages. */
export { buildTrace, formatTrace } from './build-trace.ts'
export { activeSpan, runInOpenTelemetryContext, runUntraced } from './open-telemetry.ts'
export { parseTraceparent } from './parse-traceparent.ts'
export type { RecordedTrace, Span, SpanKind, SpanTree } from './span.ts'
export { createTracer, type OwnedSpan, type SpanSink, type SpanTracer } from './span-tracer.ts'
export { createTraceStore, type TraceStore, type TraceSummary } from './trace-store.ts'
export { observabilityMigrations, observabilityTables } from './trace-tables.ts'
export { type OwnSpanOptions, Traces, type TracesParts } from './traces.ts'
