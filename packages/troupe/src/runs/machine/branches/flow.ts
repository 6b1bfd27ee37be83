/** The edges that a branch may take from its node, and the meaning of an outcome there. */

import type { CarriedHistory, Flow, Outcome } from '../../../agents/index.ts'
import type { Json } from '../../../core/index.ts'
import { carries, type Graph, type GraphEdge, type GraphNode, returnsTo } from '../../../topology/index.ts'
import { must, type State } from '../state.ts'
import type { Branch, Group } from './branches-slice.ts'
import { conditionHolds } from './condition-holds.ts'

/** The targets of an outcome, or the error of an invalid one. */
export type Plan =
  | { readonly kind: 'end'; readonly value: Json; readonly notify: readonly GraphEdge[] }
  | {
      readonly kind: 'move'
      readonly edge: GraphEdge
      readonly input: Json
      readonly history?: CarriedHistory | undefined
      readonly notify: readonly GraphEdge[]
    }
  | { readonly kind: 'fork'; readonly targets: readonly NextTarget[]; readonly notify: readonly GraphEdge[] }
  | { readonly kind: 'invalid'; readonly problem: string; readonly allowed: string }

export interface NextTarget {
  readonly edge: GraphEdge
  readonly input: Json
}

export const graphIn = (state: Readonly<State>): Graph => must(state.graph, 'graph')
export const nodeIn = (state: Readonly<State>, name: string): GraphNode => must(graphIn(state).nodes.get(name), name)

/** Returns the node that waits for the result of this group; undefined if none does. */
export function callingNode(state: Readonly<State>, group: Group): string | undefined {
  if (group.origin.kind !== 'call') return undefined
  return state.joins.open.get(group.origin.joinId)?.node
}

/** The key of the turn count of a `<~>` edge. */
export const edgePairOf = (edge: GraphEdge): string => JSON.stringify([edge.from, edge.to].sort())

/**
 * Returns the turns of an alternating conversation after its first step: the agent that opens it has had the first
 * turn.
 */
const turnsOf = (branch: Branch, edge: GraphEdge) => (branch.edgePair === edgePairOf(edge) ? branch.turns : 1)

function usable(state: Readonly<State>, branch: Branch, edge: GraphEdge): boolean {
  if (edge.limit !== undefined && (state.limits.edgeUses[edge.index] ?? 0) >= edge.limit) return false
  return !(edge.alternating && edge.maxTurns !== undefined && turnsOf(branch, edge) >= edge.maxTurns)
}

/** If `User` has outgoing edges, a value sent to `User` becomes a question. Otherwise it is the branch's response. */
const ends = (graph: Graph, edge: GraphEdge): boolean => {
  const to = must(graph.nodes.get(edge.to), edge.to)
  return to.kind === 'end' || (to.kind === 'user' && to.out.length === 0)
}

/** Returns the edges for a plain value: the value takes the only one, or all fan-out edges. */
function routes(state: Readonly<State>, branch: Branch, node: GraphNode, value: Json | undefined): GraphEdge[] {
  const hasReturned = branch.results !== undefined
  let open = node.out.filter((e) => carries(e) && usable(state, branch, e) && !(e.fanOut && hasReturned))
  const talk = open.filter((e) => e.alternating)
  if (talk.length > 0) return talk
  const chosen = open.filter((e) => e.when && (value === undefined || conditionHolds(e.when, value)))
  if (chosen.length > 0) return chosen
  open = open.filter((e) => !e.when)
  const fan = open.filter((e) => e.fanOut)
  if (fan.length > 0) return fan
  const limited = open.filter((e) => e.limit !== undefined)
  return limited.length > 0 ? limited : open
}

/**
 * If an alternating conversation ends at an agent without another edge, its last value takes the edge of the other
 * agent.
 */
function nextTargets(state: Readonly<State>, branch: Branch, node: GraphNode, value: Json | undefined): GraphEdge[] {
  const own = routes(state, branch, node, value)
  if (own.length > 0) return own
  const over = node.out.find((e) => e.alternating && !usable(state, branch, e))
  return over ? routes(state, branch, nodeIn(state, over.to), value) : own
}

type ValueTarget = { readonly to: 'back' | 'end' | 'along'; readonly edges: readonly GraphEdge[] } | undefined

/** @param value undefined if it is not known yet */
function valueTarget(state: Readonly<State>, branch: Branch, value: Json | undefined): ValueTarget {
  const node = nodeIn(state, branch.node)
  const group = must(state.branches.groups.get(branch.group), branch.group)
  const edges = nextTargets(state, branch, node, value)
  const talks = edges[0]?.alternating === true
  const caller = callingNode(state, group)
  if (caller !== undefined && !talks) {
    if (isQueried(group, branch) || (edges.some((e) => e.to === caller) && !edges[0]?.fanOut))
      return { to: 'back', edges: [] }
  }
  if (edges.length === 0)
    return node.out.some((e) => carries(e) && e.when)
      ? undefined
      : { to: caller === undefined ? 'end' : 'back', edges: [] }
  const graph = graphIn(state)
  const several = edges.length > 1 && !edges.every((e) => e.fanOut)
  // An edge to a person that answers back is a question, so a plain value takes the other edge.
  const onward = several ? edges.filter((e) => nodeIn(state, e.to).kind !== 'user' || ends(graph, e)) : edges
  if (several && onward.length !== 1) return undefined
  return onward.length === 1 && ends(graph, onward[0] as GraphEdge)
    ? { to: 'end', edges: onward }
    : { to: 'along', edges: onward }
}

/** If the value is not known yet, several conditional edges are possible. They count as one edge. */
function valueHint(state: Readonly<State>, branch: Branch): Flow['value'] {
  const target = valueTarget(state, branch, undefined)
  if (target) return target.to
  return nodeIn(state, branch.node).out.some((e) => carries(e) && e.when) ? 'along' : undefined
}

const isAgent = (graph: Graph, edge: GraphEdge) => graph.nodes.get(edge.to)?.kind === 'agent'
const labels = (graph: Graph, edges: readonly GraphEdge[]): string[] => {
  const names = new Map<string, number>()
  const of = (e: GraphEdge) => must(graph.nodes.get(e.to), e.to).label
  for (const edge of edges) names.set(of(edge), (names.get(of(edge)) ?? 0) + 1)
  return [...new Set(edges.map((e) => (names.get(of(e)) === 1 ? of(e) : e.to)))]
}

const canFinish = (state: Readonly<State>, branch: Branch, node: GraphNode) =>
  must(state.branches.groups.get(branch.group), branch.group).origin.kind !== 'run' ||
  node.out.some((e) => nodeIn(state, e.to).kind === 'end' && usable(state, branch, e)) ||
  !node.out.some((e) => carries(e))

export function flowOf(state: Readonly<State>, branch: Branch): Flow {
  const node = nodeIn(state, branch.node)
  if (node.out.some((edge) => edge.limit !== undefined || edge.alternating)) return computeFlow(state, branch, node)
  const group = must(state.branches.groups.get(branch.group), branch.group)
  const { kind } = group.origin
  const key = JSON.stringify([
    node.name,
    kind,
    callingNode(state, group) ?? null,
    isQueried(group, branch),
    branch.results !== undefined,
  ])
  const flow = state.flows.get(key) ?? computeFlow(state, branch, node)
  state.flows.set(key, flow)
  return flow
}

/** Returns whether the branch answers the agent that started it by a query, that is, before any hand-off. */
const isQueried = ({ origin, branches }: Group, branch: Branch): boolean =>
  origin.kind === 'call' && origin.query === true && branches[0] === branch.id && branch.before === undefined

function computeFlow(state: Readonly<State>, branch: Branch, node: GraphNode): Flow {
  const graph = graphIn(state)
  const open = node.out.filter((e) => isAgent(graph, e) && usable(state, branch, e))
  return {
    invoke: labels(graph, open),
    handOff: labels(graph, open.filter(carries)),
    finish: canFinish(state, branch, node),
    askUser: node.out.some((e) => graph.nodes.get(e.to)?.kind === 'user'),
    value: valueHint(state, branch),
  }
}

/** The flow of a step that serves a request: it may only answer. */
export const servingFlow: Flow = { invoke: [], handOff: [], finish: true, askUser: false, value: 'back' }

function allowed(state: Readonly<State>, branch: Branch): string {
  const flow = flowOf(state, branch)
  const choices = [
    flow.invoke.length > 0 ? `invoke ${flow.invoke.join(', ')}` : '',
    flow.handOff.length > 0 ? `hand off to ${flow.handOff.join(', ')}` : '',
    flow.finish ? 'finish' : '',
    flow.askUser ? 'ask the user' : '',
    flow.value ? 'return a value' : '',
  ].filter(Boolean)
  return choices.join('; ')
}

/** Finds an edge by the given name: of a node, of its agent, or of a team with one entry. */
function edgeTo(
  state: Readonly<State>,
  branch: Branch,
  name: string,
  edges: readonly GraphEdge[],
): GraphEdge | undefined {
  const open = edges.filter((e) => usable(state, branch, e))
  const within = open.filter((e) => e.to.startsWith(`${name}/`))
  return (
    open.find((e) => e.to === name) ??
    open.find((e) => nodeIn(state, e.to).label === name) ??
    (within.length === 1 ? within[0] : undefined)
  )
}

export function planOf(state: Readonly<State>, branch: Branch, outcome: Outcome): Plan {
  const node = nodeIn(state, branch.node)
  const invalid = (problem: string): Plan => ({ kind: 'invalid', problem, allowed: allowed(state, branch) })
  switch (outcome.kind) {
    case 'value':
      return planValue(state, branch, outcome.value, invalid)
    case 'finish':
      return canFinish(state, branch, node)
        ? { kind: 'end', value: outcome.value, notify: [] }
        : invalid('it cannot finish here')
    case 'handOff': {
      const edge = edgeTo(
        state,
        branch,
        outcome.agent,
        node.out.filter((e) => carries(e) && nodeIn(state, e.to).kind !== 'end'),
      )
      if (!edge) return invalid(`it cannot hand off to ${outcome.agent}`)
      if (!conditionHolds(edge.when, outcome.input))
        return invalid(`the condition on the way to ${outcome.agent} does not hold`)
      return ends(graphIn(state), edge)
        ? { kind: 'end', value: outcome.input, notify: [] }
        : { kind: 'move', edge, input: outcome.input, history: outcome.carried, notify: [] }
    }
    case 'invoke':
      return planInvoke(state, branch, outcome.targets, invalid)
  }
}

function planValue(state: Readonly<State>, branch: Branch, value: Json, invalid: (problem: string) => Plan): Plan {
  const notify = nodeIn(state, branch.node).out.filter(
    (e) => e.type === 'notify' && usable(state, branch, e) && conditionHolds(e.when, value),
  )
  const target = valueTarget(state, branch, value)
  if (!target) return invalid('a plain value has more than one way to go, or none')
  if (target.to !== 'along') return { kind: 'end', value, notify }
  const [only] = target.edges as readonly [GraphEdge, ...GraphEdge[]]
  // The result of a fan-out to a single agent is a list too.
  const meets = only.fanOut && returnsTo(graphIn(state), only)
  if (target.edges.length === 1 && !meets) return { kind: 'move', edge: only, input: value, notify }
  return { kind: 'fork', targets: target.edges.map((edge) => ({ edge, input: value })), notify }
}

function planInvoke(
  state: Readonly<State>,
  branch: Branch,
  asked: readonly { readonly agent: string; readonly input: Json }[],
  invalid: (problem: string) => Plan,
): Plan {
  if (asked.length === 0) return invalid('it invokes no agent')
  const graph = graphIn(state)
  const out = nodeIn(state, branch.node).out.filter((e) => nodeIn(state, e.to).kind !== 'end')
  const byName = new Map<string, GraphEdge | undefined>()
  const uses = new Map<number, number>()
  const targets: NextTarget[] = []
  for (const { agent, input } of asked) {
    if (!byName.has(agent)) byName.set(agent, edgeTo(state, branch, agent, out))
    const edge = byName.get(agent)
    if (!edge) return invalid(`it cannot invoke ${agent}`)
    if (!conditionHolds(edge.when, input)) return invalid(`the condition on the way to ${agent} does not hold`)
    const used = (uses.get(edge.index) ?? state.limits.edgeUses[edge.index] ?? 0) + 1
    uses.set(edge.index, used)
    if (edge.limit !== undefined && used > edge.limit)
      return invalid(`the way to ${agent} may be taken ${edge.limit} times only`)
    targets.push({ edge, input })
  }
  const [only] = targets
  if (only && targets.length === 1 && only.edge.type !== 'notify') {
    if (ends(graph, only.edge)) return { kind: 'end', value: only.input, notify: [] }
    if (only.edge.alternating || !returnsTo(graph, only.edge))
      return { kind: 'move', edge: only.edge, input: only.input, notify: [] }
  }
  return { kind: 'fork', targets, notify: [] }
}
