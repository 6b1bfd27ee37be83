/** The edges that a branch may take from its node, and the meaning of an outcome there. */

import type { CarriedHistory, Flow, Outcome } from '../../../agents/index.ts'
import type { Json } from '../../../core/index.ts'
import {
  carries,
  type Graph,
  type GraphEdge,
  type GraphNode,
  type JoinsAhead,
  returnsTo,
} from '../../../topology/index.ts'
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
  /** The name by which the agent invoked it, and by which the result is reported; that of the agent by default. */
  readonly name?: string
}

export const graphIn = (state: Readonly<State>): Graph => must(state.graph, 'graph')
export const nodeIn = (state: Readonly<State>, name: string): GraphNode => must(graphIn(state).nodes.get(name), name)
const groupIn = (state: Readonly<State>, { group }: Branch): Group => must(state.branches.groups.get(group), group)

/** Returns the joins that a branch of the group can still reach from a node. */
export const joinsAhead = (state: Readonly<State>, { caller }: Group, node: string): JoinsAhead =>
  graphIn(state).joinsAhead(node, caller)

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

/** Returns how often an edge has been used, in the run or in the present pass. */
const usesOf = (state: Readonly<State>, branch: Branch, { index, perPass }: GraphEdge): number =>
  (perPass ? groupIn(state, branch).passUses[index] : state.limits.edgeUses[index]) ?? 0

function usable(state: Readonly<State>, branch: Branch, edge: GraphEdge): boolean {
  if (edge.limit !== undefined && usesOf(state, branch, edge) >= edge.limit) return false
  return !(edge.alternating && edge.maxTurns !== undefined && turnsOf(branch, edge) >= edge.maxTurns)
}

/** If `User` has outgoing edges, a value sent to `User` becomes a question. Otherwise it is the branch's response. */
const ends = (graph: Graph, edge: GraphEdge): boolean => {
  const to = must(graph.nodes.get(edge.to), edge.to)
  return to.kind === 'end' || (to.kind === 'user' && to.out.length === 0)
}

/**
 * Returns the fan-out edges that have brought back the results of the branch: those out of a nested team, and those in it,
 * are two fan-outs.
 */
function spentFanOut(state: Readonly<State>, branch: Branch, out: readonly GraphEdge[]): (edge: GraphEdge) => boolean {
  if (branch.invoked === undefined) return () => false
  const graph = graphIn(state)
  const spent = new Set(out.filter((e) => e.fanOut && returnsTo(graph, e)).map((e) => e.leaves))
  return (e) => e.fanOut === true && spent.has(e.leaves)
}

/** Returns those of the edges that a plain value takes: the only one, or all edges of a fan-out. */
function routes(
  state: Readonly<State>,
  branch: Branch,
  out: readonly GraphEdge[],
  value: Json | undefined,
): GraphEdge[] {
  const isSpent = spentFanOut(state, branch, out)
  const open = out.filter((e) => carries(e) && usable(state, branch, e) && !isSpent(e))
  for (const edges of byTeam(open)) {
    const preferred = preferredRoutes(edges, value)
    if (preferred.length > 0) return preferred
  }
  return open.filter((e) => !e.when)
}

/** Groups edges by the nested team that they leave, so that a team does all its work, by its own conditions, before. */
function byTeam(edges: readonly GraphEdge[]): readonly (readonly GraphEdge[])[] {
  const lengthOf = ({ leaves = '', checkedAfter = leaves }: GraphEdge) =>
    checkedAfter.length || Number.POSITIVE_INFINITY
  const lengths = [...new Set(edges.map(lengthOf))].sort((a, b) => b - a)
  return lengths.map((length) => edges.filter((e) => lengthOf(e) === length))
}

/** Returns the edges that a plain value takes before all others of the same team. */
function preferredRoutes(open: readonly GraphEdge[], value: Json | undefined): GraphEdge[] {
  const talk = open.filter((e) => e.alternating)
  if (talk.length > 0) return talk
  const chosen = open.filter((e) => e.when && (value === undefined || conditionHolds(e.when, value)))
  if (chosen.length > 0) return chosen
  const always = open.filter((e) => !e.when)
  const fan = always.filter((e) => e.fanOut)
  return fan.length > 0 ? fan : always.filter((e) => e.limit !== undefined)
}

/**
 * If an alternating conversation ends at an agent without another edge, its last value takes the edge of the other
 * agent.
 */
function nextTargets(
  state: Readonly<State>,
  branch: Branch,
  out: readonly GraphEdge[],
  value: Json | undefined,
): GraphEdge[] {
  const own = routes(state, branch, out, value)
  if (own.length > 0) return own
  const over = out.find((e) => e.alternating && !usable(state, branch, e))
  return over ? routes(state, branch, nodeIn(state, over.to).out, value) : own
}

type ValueTarget = { readonly to: 'back' | 'end' | 'along'; readonly edges: readonly GraphEdge[] }

/**
 * @param value undefined if it is not known yet
 * @param edges the edges that the value takes; by default those of a plain value
 */
function valueTarget(
  state: Readonly<State>,
  branch: Branch,
  value: Json | undefined,
  edges: readonly GraphEdge[] = nextTargets(state, branch, nodeIn(state, branch.node).out, value),
): ValueTarget | undefined {
  const node = nodeIn(state, branch.node)
  const group = groupIn(state, branch)
  const talks = edges[0]?.alternating === true
  const caller = callingNode(state, group)
  if (caller !== undefined && !talks) {
    const returns = edges.some((e) => e.to === caller) && !edges[0]?.fanOut
    if (returns || isAnswer(state, branch, edges)) return { to: 'back', edges: [] }
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

/**
 * Returns whether a value on these edges answers the caller: it answers a query, or would leave a nested team of which
 * the caller is a part.
 */
function isAnswer(state: Readonly<State>, branch: Branch, edges: readonly GraphEdge[]): boolean {
  const group = groupIn(state, branch)
  if (isQueried(group, branch)) return true
  if (edges.length === 0) return false
  if (edges.every((e) => e.leaves !== undefined && isCalledFrom(state, branch, e.leaves))) return true
  const team = queriedTeam(group, branch)
  const isOutside = ({ to }: GraphEdge) => !to.startsWith(`${team}/`) && nodeIn(state, to).kind !== 'user'
  return team !== undefined && edges.every(isOutside)
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

const leadsToEnd = (state: Readonly<State>, branch: Branch, node: GraphNode): boolean =>
  node.out.some((e) => nodeIn(state, e.to).kind === 'end' && usable(state, branch, e))

const canFinish = (state: Readonly<State>, branch: Branch, node: GraphNode) =>
  groupIn(state, branch).origin.kind !== 'run' ||
  leadsToEnd(state, branch, node) ||
  !node.out.some((e) => carries(e)) ||
  leavingEdges(state, branch, node).length > 0

/** Returns whether an agent of this nested team waits for the result of the branch. */
const isCalledFrom = (state: Readonly<State>, branch: Branch, team: string): boolean =>
  callingNode(state, groupIn(state, branch))?.startsWith(`${team}/`) === true

/**
 * Returns the edges on which `finish` leaves a nested team, of several teams the outermost. Empty if an agent of the team
 * waits for the result.
 */
function leavingEdges(state: Readonly<State>, branch: Branch, node: GraphNode): readonly GraphEdge[] {
  const leaving = node.out.filter((e) => e.leaves !== undefined)
  if (leaving.length === 0) return []
  const [team] = leaving.map((e) => e.leaves as string).sort((a, b) => a.length - b.length) as [string]
  return isCalledFrom(state, branch, team) ? [] : leaving.filter((e) => e.leaves === team)
}

export function flowOf(state: Readonly<State>, branch: Branch): Flow {
  const node = nodeIn(state, branch.node)
  if (node.out.some((edge) => edge.limit !== undefined || edge.alternating)) return computeFlow(state, branch, node)
  const group = groupIn(state, branch)
  const { kind } = group.origin
  const key = JSON.stringify([
    node.name,
    kind,
    callingNode(state, group) ?? null,
    isQueried(group, branch),
    queriedTeam(group, branch) ?? null,
    branch.invoked !== undefined,
  ])
  const flow = state.flows.get(key) ?? computeFlow(state, branch, node)
  state.flows.set(key, flow)
  return flow
}

/** Returns whether the branch answers the agent that started it by a query, that is, before any hand-off. */
const isQueried = ({ origin, branches }: Group, branch: Branch): boolean =>
  origin.kind === 'call' &&
  origin.query === true &&
  origin.team === undefined &&
  branches[0] === branch.id &&
  branch.before === undefined

/** Returns the nested team that answers a query, while the branch is in the team. */
const queriedTeam = ({ origin }: Group, { node }: Branch): string | undefined =>
  origin.kind === 'call' && origin.team !== undefined && node.startsWith(`${origin.team}/`) ? origin.team : undefined

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

/**
 * Finds an edge by the given name: of a node, of its agent, or of a team with one entry. In a nested team, names of its
 * nodes and teams come before those of the teams around it.
 */
function edgeTo(
  state: Readonly<State>,
  branch: Branch,
  name: string,
  edges: readonly GraphEdge[],
): GraphEdge | undefined {
  const open = edges.filter((e) => usable(state, branch, e))
  const names = scopesOf(branch.node).map((scope) => `${scope}${name}`)
  const node = names.map((known) => open.find((e) => e.to === known)).find((edge) => edge !== undefined)
  const entry = () =>
    names.map((team) => open.filter((e) => e.to.startsWith(`${team}/`))).find((entries) => entries.length === 1)
  return node ?? open.find((e) => nodeIn(state, e.to).label === name) ?? entry()?.[0]
}

/** Returns the prefixes of names around a node, from its own team to the outermost: `T/U/`, `T/` and an empty one. */
function scopesOf(node: string): readonly string[] {
  const teams = node.split('/').slice(0, -1)
  return [...teams.map((_, i) => `${teams.slice(0, teams.length - i).join('/')}/`), '']
}

export function planOf(state: Readonly<State>, branch: Branch, outcome: Outcome): Plan {
  const node = nodeIn(state, branch.node)
  const invalid = (problem: string): Plan => ({ kind: 'invalid', problem, allowed: allowed(state, branch) })
  switch (outcome.kind) {
    case 'value':
      return planValue(state, branch, outcome.value, invalid)
    case 'finish':
      return planFinish(state, branch, outcome.value, invalid)
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

/** The value of `finish` takes the edges on which it leaves a nested team, or ends the branch. */
function planFinish(state: Readonly<State>, branch: Branch, value: Json, invalid: (problem: string) => Plan): Plan {
  const node = nodeIn(state, branch.node)
  const leaving = leavingEdges(state, branch, node)
  if (leaving.some(carries) && !leadsToEnd(state, branch, node)) {
    const target = valueTarget(state, branch, value, nextTargets(state, branch, leaving, value))
    return target ? planAlong(state, branch, value, target) : invalid('it has more than one way to go, or none')
  }
  if (!canFinish(state, branch, node)) return invalid('it cannot finish here')
  return { kind: 'end', value, notify: leaving.filter((e) => isNotified(state, branch, value, e)) }
}

function planValue(state: Readonly<State>, branch: Branch, value: Json, invalid: (problem: string) => Plan): Plan {
  const target = valueTarget(state, branch, value)
  return target
    ? planAlong(state, branch, value, target)
    : invalid('a plain value has more than one way to go, or none')
}

const isNotified = (state: Readonly<State>, branch: Branch, value: Json, edge: GraphEdge): boolean =>
  edge.type === 'notify' && usable(state, branch, edge) && conditionHolds(edge.when, value)

function planAlong(state: Readonly<State>, branch: Branch, value: Json, { to, edges }: ValueTarget): Plan {
  // A value that stays in a nested team notifies no agent outside.
  const leaves = (team: string) =>
    to === 'along' ? edges.some((e) => e.leaves === team) : !isCalledFrom(state, branch, team)
  const notify = nodeIn(state, branch.node).out.filter(
    (e) => isNotified(state, branch, value, e) && (e.leaves === undefined || leaves(e.leaves)),
  )
  if (to !== 'along') return { kind: 'end', value, notify }
  const [only] = edges as readonly [GraphEdge, ...GraphEdge[]]
  // The result of a fan-out to a single agent is a list too.
  const meets = only.fanOut && returnsTo(graphIn(state), only)
  if (edges.length === 1 && !meets) return { kind: 'move', edge: only, input: value, notify }
  return { kind: 'fork', targets: edges.map((edge) => ({ edge, input: value })), notify }
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
    const used = (uses.get(edge.index) ?? usesOf(state, branch, edge)) + 1
    uses.set(edge.index, used)
    if (edge.limit !== undefined && used > edge.limit)
      return invalid(`the way to ${agent} may be taken ${edge.limit} times only`)
    targets.push({ edge, input, name: agent })
  }
  const [only] = targets
  if (only && targets.length === 1 && only.edge.type !== 'notify') {
    if (ends(graph, only.edge)) return { kind: 'end', value: only.input, notify: [] }
    if (only.edge.alternating || !returnsTo(graph, only.edge))
      return { kind: 'move', edge: only.edge, input: only.input, notify: [] }
  }
  return { kind: 'fork', targets, notify: [] }
}
