/** Builds one tree from the spans that several processes recorded in parts. */
import { invalidInput, isPlainObject } from '../../core/index.ts'
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

/**
 * @param top the span with which the tree begins; the complete trace by default
 * @returns undefined if there are no spans
 */
export function buildTrace(traceId: string, recorded: readonly Span[], top?: string): RecordedTrace | undefined {
  const merged = mergeSpans(recorded)
  const spans = top === undefined ? merged : spansFrom(top, merged)
  if (spans.length === 0) return undefined
  const roots = treesOf(spans)
  const startedAt = spans.reduce((first, span) => Math.min(first, span.startedAt), Number.POSITIVE_INFINITY)
  const endedAt = spans.reduce((last, span) => Math.max(last, span.endedAt ?? span.startedAt), 0)
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
    roots,
  }
}

function spansFrom(top: string, spans: readonly Span[]): readonly Span[] {
  const children = Map.groupBy(spans, ({ parent }) => parent)
  const found = new Set(spans.filter(({ id }) => id === top))
  for (const { id } of found) for (const child of children.get(id) ?? []) found.add(child)
  return [...found]
}

/** Orders spans of the same start: the one that ended first, or was recorded first, comes first. */
const byStart = (one: Span, other: Span) =>
  beginning(one) - beginning(other) || (one.endedAt ?? Number.MAX_VALUE) - (other.endedAt ?? Number.MAX_VALUE)

/** Rounds starts to whole milliseconds, as ends are, so that no span starts before an earlier one has ended. */
const beginning = ({ startedAt, endedAt }: Span): number =>
  endedAt === undefined ? startedAt : endedAt - Math.floor(endedAt - startedAt)

interface Node extends SpanTree {
  readonly children: Node[]
}

/** Returns the spans without a parent, with those below them, in linear time after the sort: a span may have 10,000 children. */
function treesOf(spans: readonly Span[]): readonly SpanTree[] {
  const nodes = new Map<string, Node>()
  for (const span of spans.toSorted(byStart)) {
    const { id, startedAt, endedAt } = span
    nodes.set(id, { ...span, ...(endedAt === undefined ? {} : { durationMs: endedAt - startedAt }), children: [] })
  }
  const isRooted = createRootCheck(nodes)
  const roots: Node[] = []
  for (const node of nodes.values()) {
    const parent = node.parent === undefined || !isRooted(node) ? undefined : nodes.get(node.parent)
    const siblings = parent?.children ?? roots
    siblings.push(node)
  }
  return roots
}

/** Finds cycles: parents come from envelopes, which other programs may have written. Each span is visited once. */
function createRootCheck(byId: ReadonlyMap<string, Span>): (span: Span) => boolean {
  const known = new Map<string, boolean>()
  return (span) => {
    const path: string[] = []
    let each: Span | undefined = span
    for (; each && !known.has(each.id); each = each.parent === undefined ? undefined : byId.get(each.parent)) {
      path.push(each.id)
      // The answer if the path comes back to this span.
      known.set(each.id, false)
    }
    const isRooted = !each || known.get(each.id) === true
    for (const id of path) known.set(id, isRooted)
    return isRooted
  }
}

/** Formats a trace as indented lines with durations, tokens and cost. @throws ValidationError for a value that is not a trace */
export function formatTrace(recorded: RecordedTrace): string {
  if (!isPlainObject(recorded) || typeof recorded.cost !== 'number' || !Array.isArray(recorded.roots))
    throw invalidInput('The argument of formatTrace', 'it is not a recorded trace')
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
