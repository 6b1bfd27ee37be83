/** A span of a trace. Names and attributes follow the conventions of OpenTelemetry for generative AI. */
import type { Json } from '../../core/index.ts'

/** The kind of a span, as in OpenTelemetry. */
export type SpanKind = 'internal' | 'client' | 'producer' | 'consumer'

/** A span of a trace: one unit of work with its start and end. */
export interface Span {
  /** The id of the trace: 32 hexadecimal digits, as in W3C Trace Context. */
  readonly traceId: string
  /** The id of the span: 16 hexadecimal digits. */
  readonly id: string
  /** The id of the parent span; absent for the root of a trace. */
  readonly parent?: string
  /** `invoke_agent Researcher`, `chat openai/gpt-5`, `execute_tool search`, … */
  readonly name: string
  /** The kind of the span. */
  readonly kind: SpanKind
  /** The start in ms since 1970; the first record if this process did not see the start. */
  readonly startedAt: number
  /** The end in ms since 1970; absent while the span is open, or if its process crashed. */
  readonly endedAt?: number
  /** `running` while the span is open, `error` if its work failed. */
  readonly status: 'running' | 'ok' | 'error'
  /** False if the caller of the trace does not record it: the span is stored, and not exported. */
  readonly isSampled?: false
  /** The attributes, by the semantic conventions of OpenTelemetry. */
  readonly attributes: { readonly [name: string]: Json }
}

/** A span and the spans below it. */
export interface SpanTree extends Span {
  /** The duration in ms; absent while the span is open. */
  readonly durationMs?: number
  /** The child spans, by their start. */
  readonly children: readonly SpanTree[]
}

/** A stored trace. */
export interface RecordedTrace {
  /** The id of the trace. */
  readonly traceId: string
  /** The start of the first span, in ms since 1970. */
  readonly startedAt: number
  /** The time from the first start to the last end, in ms. */
  readonly durationMs: number
  /** The input tokens of all model calls. */
  readonly inputTokens: number
  /** The output tokens of all model calls. */
  readonly outputTokens: number
  /** The cost of the model calls in US dollars, as far as prices are known. */
  readonly cost: number
  /** The number of spans that failed. */
  readonly errors: number
  /** The number of spans. */
  readonly spans: number
  /** The top spans, including those whose parent is not stored. */
  readonly roots: readonly SpanTree[]
}
