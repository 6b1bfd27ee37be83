/** Spans, told in pieces by several processes, as one tree. */
import { failure, isPlainObject } from '../../core/index.ts'
import type { RecordedTrace, Span, SpanTree } from './span.ts'

/** What is told of one span more than once: it began with the first, and is what the last said. */
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

/** @returns undefined where nothing is kept */
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

/** Of two that began in the same millisecond, the one that was over first, or was told first. */
const byStart = (one: Span, other: Span) =>
  beginning(one) - beginning(other) || (one.endedAt ?? Number.MAX_VALUE) - (other.endedAt ?? Number.MAX_VALUE)

/** Ends are whole milliseconds, durations are not: in whole ones none begins before what was over when it began. */
const beginning = ({ startedAt, endedAt }: Span): number =>
  endedAt === undefined ? startedAt : endedAt - Math.floor(endedAt - startedAt)

/** Parents come from envelopes, which others may have written. */
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

/** As lines for a person: indented, with durations, tokens and cost. @throws ValidationError for what is no trace */
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
