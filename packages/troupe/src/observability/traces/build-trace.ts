/** Builds one tree from the spans that several processes recorded in parts. */
import { failure, isPlainObject } from '../../core/index.ts'
import type { RecordedTrace, Span, SpanTree } from './span.ts'

/** Combines several records of one span: the start of the first, the other fields of the last. */
export function mergeSpans(spans: readonly Span[]): readonly Span[] {
  const merged = new Map<string, Span>()
  for (const span of spans) {
    const known = merged.get(span.id)
    merged.set(span.id, known ? join(known, span) : span)
  }
  return [...merged.values()]
}

function join(one: Span, other: Span): Span {
  const [earlier, later] = (one.endedAt ?? -1) <= (other.endedAt ?? -1) ? [one, other] : [other, one]
  return {
    ...earlier,
    ...later,
    attributes: { ...earlier.attributes, ...later.attributes },
    startedAt: Math.min(one.startedAt, other.startedAt),
  }
}

/** @returns undefined if there are no spans */
export function buildTrace(traceId: string, recorded: readonly Span[]): RecordedTrace | undefined {
  const spans = mergeSpans(recorded)
  if (spans.length === 0) return undefined
  const byId = new Map(spans.map((span) => [span.id, span]))
  const childrenById = new Map<string, Span[]>()
  const roots: Span[] = []
  for (const span of spans) {
    if (span.parent === undefined || !byId.has(span.parent) || isInCycle(span, byId)) roots.push(span)
    else childrenById.set(span.parent, [...(childrenById.get(span.parent) ?? []), span])
  }
  const startedAt = Math.min(...spans.map((span) => span.startedAt))
  const endedAt = Math.max(...spans.map((span) => span.endedAt ?? span.startedAt))
  const sum = (name: string) =>
    spans.reduce((total, { attributes }) => total + (typeof attributes[name] === 'number' ? attributes[name] : 0), 0)
  return {
    traceId,
    startedAt,
    durationMs: endedAt - startedAt,
    inputTokens: sum('gen_ai.usage.input_tokens'),
    outputTokens: sum('gen_ai.usage.output_tokens'),
    cost: sum('troupe.cost.usd'),
    errors: spans.filter(({ status }) => status === 'error').length,
    spans: spans.length,
    roots: roots.sort(byStart).map((root) => treeOf(root, childrenById)),
  }
}

/** Orders spans of the same start: the one that ended first, or was recorded first, comes first. */
const byStart = (one: Span, other: Span) =>
  beginning(one) - beginning(other) || (one.endedAt ?? Number.MAX_VALUE) - (other.endedAt ?? Number.MAX_VALUE)

/** Rounds starts to whole milliseconds, as ends are, so that no span starts before an earlier one has ended. */
const beginning = ({ startedAt, endedAt }: Span): number =>
  endedAt === undefined ? startedAt : endedAt - Math.floor(endedAt - startedAt)

/** Finds cycles: parents come from envelopes, which other programs may have written. */
function isInCycle(span: Span, byId: ReadonlyMap<string, Span>): boolean {
  const seen = new Set<string>()
  for (let each: Span | undefined = span; each; each = each.parent === undefined ? undefined : byId.get(each.parent)) {
    if (seen.has(each.id)) return true
    seen.add(each.id)
  }
  return false
}

function treeOf(span: Span, childrenById: ReadonlyMap<string, readonly Span[]>): SpanTree {
  const children = [...(childrenById.get(span.id) ?? [])].sort(byStart).map((child) => treeOf(child, childrenById))
  return { ...span, ...(span.endedAt === undefined ? {} : { durationMs: span.endedAt - span.startedAt }), children }
}

/** Formats a trace as indented lines with durations, tokens and cost. @throws ValidationError for a value that is not a trace */
export function formatTrace(recorded: RecordedTrace): string {
  if (!isPlainObject(recorded) || typeof recorded.cost !== 'number' || !Array.isArray(recorded.roots))
    throw failure('validation.failed', { what: 'What formatTrace was given', problem: 'it is not a recorded trace' })
  const { roots, ...trace } = recorded
  const lines = [
    `trace ${trace.traceId}: ${trace.durationMs} ms, ${trace.spans} spans, ${trace.errors} errors, ${trace.inputTokens} + ${trace.outputTokens} tokens, $${trace.cost.toFixed(6)}`,
  ]
  const write = ({ name, status, durationMs, children }: SpanTree, depth: number) => {
    const took = durationMs === undefined ? 'running' : `${Math.round(durationMs * 10) / 10} ms`
    lines.push(`${'  '.repeat(depth)}${name}  ${took}${status === 'error' ? '  failed' : ''}`)
    for (const child of children) write(child, depth + 1)
  }
  for (const root of roots) write(root, 1)
  return lines.join('\n')
}
