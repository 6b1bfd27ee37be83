/** Explains the path of a run: edges and their conditions, fallbacks, attempts, joins. */
import type { CanonicalEdge } from '../../../topology/index.ts'
import type { NumberedEvent } from '../../engine/events/run-event.ts'
import type { PastRun } from '../past-run.ts'
import type { ExplanationLine } from './explanation-line.ts'

/** The highest number of sentences; the others are counted. */
const maxSentences = 100

export function explainPath({ events, records }: PastRun): readonly ExplanationLine[] {
  const [start] = events
  const edges = start?.type === 'run.started' ? start.pinned.topology.edges : []
  const at = new Map<string, string>()
  const edited = editedEvents(records)
  const sentences: ExplanationLine[] = []
  for (const event of events) {
    const text = edited.has(event.seq) ? describeEdit(event) : describe(event, edges, at)
    if (event.type === 'branch.started' || event.type === 'branch.moved') at.set(event.branch, event.agent)
    const error = event.type === 'join.completed' ? event.error : undefined
    if (text !== undefined) sentences.push({ about: 'path', text, seq: event.seq, ...(error ? { error } : {}) })
  }
  const left = sentences.length - maxSentences
  return left > 0
    ? [
        ...sentences.slice(0, maxSentences),
        { about: 'path', text: `${left} later sentences about its path are omitted.` },
      ]
    : sentences
}

/** Returns the `seq` of the events in which an edit at a breakpoint took effect. */
const editedEvents = (records: PastRun['records']): ReadonlySet<number> =>
  new Set(
    records.flatMap(({ input, first }) =>
      input.type === 'step.edited' || input.type === 'branch.edited' ? [first] : [],
    ),
  )

function describeEdit(event: NumberedEvent): string | undefined {
  if (event.type === 'branch.moved') return `An edit replaced the input of ${event.agent} (branch ${event.branch}).`
  if (event.type === 'step.completed')
    return `An edit replaced the failure of ${event.agent} (${event.step}) by a result.`
  return undefined
}

function describe(
  event: NumberedEvent,
  edges: readonly CanonicalEdge[],
  at: ReadonlyMap<string, string>,
): string | undefined {
  switch (event.type) {
    case 'branch.started': {
      const { parent, agent, branch, edge, meets } = event
      if (meets !== undefined) return `The joined branches continued at ${agent} as branch ${branch}.`
      const from = parent === undefined ? 'Start' : (at.get(parent) ?? parent)
      return `${from} invoked ${agent} as branch ${branch}${edgeReason(edges[edge ?? -1])}.`
    }
    case 'branch.moved':
      return movedOf(event, edges, at)
    case 'join.completed': {
      const { agent, satisfied, arrived, missing, error } = event
      const how = `${arrived} arrived, ${missing} did not`
      return satisfied
        ? `${agent} continued: its join was completed (${how}).`
        : `The join at ${agent} failed (${how}): ${error?.message ?? ''}`
    }
    case 'request.made':
      return `${event.fromAgent} asked ${event.agent} (${event.message}) and waited for the reply.`
    default:
      return undefined
  }
}

function movedOf(
  event: Extract<NumberedEvent, { readonly type: 'branch.moved' }>,
  edges: readonly CanonicalEdge[],
  at: ReadonlyMap<string, string>,
): string {
  const { branch, agent, attempt, substitute, meets, edge } = event
  const from = at.get(branch) ?? branch
  if (attempt !== undefined && attempt > 1) return `${agent} was retried, attempt ${attempt}.`
  if (substitute) return `${agent} replaced ${from}, which failed.`
  if (meets !== undefined) return `${agent} got the results of its invocations.`
  return `The branch moved from ${from} to ${agent}${edgeReason(edges[edge ?? -1])}.`
}

function edgeReason(edge: CanonicalEdge | undefined): string {
  if (!edge) return ''
  const { from, to, type, when } = edge
  const condition = when === undefined ? '' : `, because the value fits ${JSON.stringify(when)}`
  return ` along ${from} -> ${to}${type === 'invoke' ? '' : ` (${type})`}${condition}`
}
