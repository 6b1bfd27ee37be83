/** Checks joins: a quorum that exceeds the available branches, and join options at nodes without a join. */

import type { CanonicalTopology } from '../canonical/canonical-topology.ts'
import { carries, type Graph, type GraphNode, graphOf, returnsTo } from '../canonical/graph.ts'
import type { PinnedConfig } from '../canonical/pinned-config.ts'
import type { Finding } from './finding.ts'

/**
 * A quorum is compared with the incoming edges of a join, or with the `=>` edges of a fork. Other agents may be invoked
 * any number of times, so they are not checked, and before a join they make the finding a warning.
 */
export function checkJoins(topology: CanonicalTopology, config: PinnedConfig): Finding[] {
  const graph = graphOf(topology)
  const findings: Finding[] = inertConfig(config, graph)
  for (const node of graph.nodes.values()) {
    if (node.kind !== 'agent') continue
    const named = inertOptions(node, graph)
    if (named.length > 0)
      findings.push({
        code: 'join.inert',
        severity: 'warning',
        location: node.name,
        message: `${named.join(' and ')} at ${node.name} never applies: no branches meet there, and no invoked agent returns`,
        remedy: `Move it to a node where branches meet, or add edges from the agents that ${node.name} invokes back to it`,
      })
    const join = node.join ?? (node.isJoin ? config.join : undefined)
    if (join === undefined || typeof join !== 'object' || !('quorum' in join)) continue
    const fan = node.out.filter((edge) => edge.fanOut).length
    const into = arrivals(node, graph)
    const available = node.isJoin && into > 1 ? into : fan > 0 ? fan : Number.POSITIVE_INFINITY
    if (join.quorum <= available) continue
    findings.push({
      code: 'join.impossible',
      severity: node.isJoin && isOpen(node, graph) ? 'warning' : 'error',
      location: node.name,
      message: `The join at ${node.name} cannot complete: it requires ${join.quorum} branches, and only ${available} can arrive`,
      remedy: `Lower the quorum to at most ${available}, or add branches to ${node.name}`,
    })
  }
  return findings
}

/** Returns the nodes that a branch reaches without this one. */
function reachedWithout(node: GraphNode, graph: Graph): ReadonlySet<string> {
  const reached = new Set(graph.entries.map(({ to }) => to).filter((to) => to !== node.name))
  for (const name of reached)
    for (const { to } of graph.nodes.get(name)?.out ?? []) if (to !== node.name) reached.add(to)
  return reached
}

/** Returns the number of edges on which branches arrive. Agents that only this node invokes return their results instead. */
function arrivals(node: GraphNode, graph: Graph): number {
  const into = node.in.filter(({ from }) => from !== 'Start')
  if (!node.out.some((edge) => returnsTo(graph, edge))) return into.length
  const reached = reachedWithout(node, graph)
  return into.filter(({ from }) => reached.has(from)).length
}

/** Returns whether an agent before the join chooses its targets, and may choose one of them several times. */
function isOpen(node: GraphNode, graph: Graph): boolean {
  const reached = reachedWithout(node, graph)
  const before = new Set([node])
  for (const { in: edges } of before)
    for (const { from } of edges) if (reached.has(from)) before.add(graph.nodes.get(from) as GraphNode)
  before.delete(node)
  return [...before].some(({ out }) => out.filter((edge) => !edge.fanOut && carries(edge)).length > 1)
}

/**
 * Reports join options of the config that have no effect. End is not a join: a result there is the answer, or one item
 * of a list of answers.
 */
function inertConfig({ join, deadline }: PinnedConfig, graph: Graph): Finding[] {
  const named = [...(join === 'all' ? [] : ['join']), ...(deadline === undefined ? [] : ['deadline'])]
  if (named.length === 0 || [...graph.nodes.values()].some((node) => meets(node, graph))) return []
  const last = [...graph.nodes.values()].filter((node) =>
    node.out.some(({ to }) => graph.nodes.get(to)?.kind === 'end'),
  )
  return [
    {
      code: 'join.inert',
      severity: 'warning',
      location: 'config',
      message: `The ${named.join(' and ')} of the config never applies: no branches meet, and End waits for all results`,
      remedy: `Add an agent where they meet: {${last.map(({ name }) => name).join(', ')}} -> C, where C is new`,
    },
  ]
}

const meets = (node: GraphNode, graph: Graph): boolean => node.isJoin || node.out.some((edge) => returnsTo(graph, edge))

/** Returns the join options of a node that has no join. */
function inertOptions(node: GraphNode, graph: Graph): readonly string[] {
  if (meets(node, graph)) return []
  return (['join', 'deadline', 'onFailure'] as const).filter((option) => node[option] !== undefined)
}
