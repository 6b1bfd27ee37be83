/** A span of a trace. Names and attributes follow the conventions of OpenTelemetry for generative AI. */
import type { Json } from '../../core/index.ts'

export type SpanKind = 'internal' | 'client' | 'producer' | 'consumer'

export interface Span {
  /** Ids of W3C Trace Context: 32 and 16 hexadecimal digits. */
  readonly traceId: string
  readonly id: string
  readonly parent?: string
  /** `invoke_agent Researcher`, `chat openai/gpt-5`, `execute_tool search`, … */
  readonly name: string
  readonly kind: SpanKind
  /** ms since 1970; the first record if this process did not see the start. */
  readonly startedAt: number
  /** Absent while it is open, or if its process crashed. */
  readonly endedAt?: number
  readonly status: 'running' | 'ok' | 'error'
  readonly attributes: { readonly [name: string]: Json }
}

/** A span and the spans below it. */
export interface SpanTree extends Span {
  readonly durationMs?: number
  readonly children: readonly SpanTree[]
}

/** A stored trace. */
export interface RecordedTrace {
  readonly traceId: string
  readonly startedAt: number
  /** From the first start to the last end. */
  readonly durationMs: number
  /** The tokens of models, and the cost in US dollars for known prices. */
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cost: number
  readonly errors: number
  readonly spans: number
  /** The top spans, including those whose parent is not stored. */
  readonly roots: readonly SpanTree[]
}
