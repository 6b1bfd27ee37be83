/** A span: something that took time, at its place in a trace. Names and attributes are those of OpenTelemetry for generative AI. */
import type { Json } from '../../core/index.ts'

export type SpanKind = 'internal' | 'client' | 'producer' | 'consumer'

export interface Span {
  /** Of W3C Trace Context: 32 and 16 hexadecimal digits. */
  readonly traceId: string
  readonly id: string
  readonly parent?: string
  /** `invoke_agent Researcher`, `chat openai/gpt-5`, `execute_tool search`, … */
  readonly name: string
  readonly kind: SpanKind
  /** ms since 1970; of one that this process did not see begin, when it was first told of. */
  readonly startedAt: number
  /** Absent while it runs, or where its process died. */
  readonly endedAt?: number
  readonly status: 'running' | 'ok' | 'error'
  readonly attributes: { readonly [name: string]: Json }
}

/** A span and what is below it. */
export interface SpanTree extends Span {
  readonly durationMs?: number
  readonly children: readonly SpanTree[]
}

/** Everything that is kept of a trace. */
export interface RecordedTrace {
  readonly traceId: string
  readonly startedAt: number
  /** From the first beginning to the last end. */
  readonly durationMs: number
  /** Models' tokens, and US dollars where their prices are known. */
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cost: number
  readonly errors: number
  readonly spans: number
  /** Spans whose parent is not kept stand here too. */
  readonly roots: readonly SpanTree[]
}
