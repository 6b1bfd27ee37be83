/** The interactions between agents of a run, from its events. */
import type { Json } from '../../../core/index.ts'
import type { CanonicalEdge } from '../../../topology/index.ts'
import type { NumberedEvent } from '../../engine/events/run-event.ts'
import type { Interaction } from './run-trace.ts'

const user = 'User'

export function interactionsIn(
  events: readonly NumberedEvent[],
  edges: readonly CanonicalEdge[],
): readonly Interaction[] {
  const agents = new Map<string, string>()
  const asked = new Map<string, { readonly from: string; readonly to: string }>()
  return events.flatMap((event) => interactionsOf(event, { agents, asked, edges }))
}

interface Known {
  /** The agent that executes each branch. */
  readonly agents: Map<string, string>
  /** Requests, by the wait of the step that asked. */
  readonly asked: Map<string, { readonly from: string; readonly to: string }>
  readonly edges: readonly CanonicalEdge[]
}

const withValue = (value: Json | undefined) => (value === undefined ? {} : { value })

function interactionsOf(event: NumberedEvent, { agents, asked, edges }: Known): readonly Interaction[] {
  const { seq } = event
  switch (event.type) {
    case 'branch.started':
    case 'branch.moved': {
      const before = event.type === 'branch.moved' ? agents.get(event.branch) : agents.get(event.parent ?? '')
      agents.set(event.branch, event.agent)
      if (event.meets !== undefined) return []
      if (before === event.agent) return []
      const kind = edges[event.edge ?? -1]?.type ?? 'invoke'
      return [{ seq, from: before ?? 'Start', to: event.agent, kind, ...withValue(event.input) }]
    }
    case 'join.arrived': {
      const { result, joinId } = event
      const to = asked.get(`join ${joinId}`)?.to
      const value = result.value ?? result.error
      return to === undefined ? [] : [{ seq, from: result.agent, to, kind: 'result', ...withValue(value) }]
    }
    case 'join.opened':
      asked.set(`join ${event.joinId}`, { from: event.agent, to: event.agent })
      return []
    case 'request.made': {
      const { from, wait, fromAgent, agent, payload } = event
      asked.set(`${from} ${wait}`, { from: fromAgent, to: agent })
      return [{ seq, from: fromAgent, to: agent, kind: 'request', value: payload }]
    }
    case 'answer.delivered': {
      const request = asked.get(`${event.step} ${event.wait}`)
      const value = 'value' in event.answer ? event.answer.value : event.answer.error
      return request ? [{ seq, from: request.to, to: request.from, kind: 'reply', value }] : []
    }
    case 'question.asked':
      return [{ seq, from: event.agent, to: user, kind: 'question', value: event.ask.text }]
    case 'question.answered':
      return [{ seq, from: user, to: event.agent, kind: 'answer', value: event.value }]
    default:
      return []
  }
}
