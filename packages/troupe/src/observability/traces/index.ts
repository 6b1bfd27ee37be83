/** What was done, span by span. */
export { buildTrace, formatTrace } from './build-trace.ts'
export { enterOpenTelemetry } from './open-telemetry.ts'
export type { RecordedTrace, Span, SpanKind, SpanTree } from './span.ts'
export { createTraceStore, type TraceStore, type TraceSummary } from './trace-store.ts'
export { observabilityMigrations, observabilityTables } from './trace-tables.ts'
export { createTracer, type OwnedSpan, type SpanSink, type Tracer } from './tracer.ts'
export { type OwnSpanOptions, Traces, type TracesParts } from './user-traces.ts'
