/**
 * A topology prepared for traversal: edges by node, joins, and the joins reachable from each node. Built once per run;
 * reachability costs O(nodes · edges) here and is then a lookup.
 */
import type { CanonicalEdge, CanonicalNode, CanonicalTopology } from './canonical-topology.ts'

export interface GraphEdge extends CanonicalEdge {
  readonly index: number
}

export interface GraphNode extends CanonicalNode {
  /** The name of the node in events and results. */
  readonly label: string
  readonly out: readonly GraphEdge[]
  readonly in: readonly GraphEdge[]
  /** The outgoing edges whose uses are counted per pass. */
  readonly perPass: readonly GraphEdge[]
  /** Whether branches of a group wait for each other at this node. */
  readonly isJoin: boolean
}

export interface JoinsAhead {
  /** The joins that a branch can still reach over at least one edge. */
  readonly reach: readonly string[]
  /** The joins of `reach` that are reached first, without another join in between. */
  readonly first: readonly string[]
}

export interface Graph {
  readonly nodes: ReadonlyMap<string, GraphNode>
  readonly edges: readonly GraphEdge[]
  readonly entries: readonly GraphEdge[]
  /**
   * Returns the joins ahead of a branch at a node. The result of an invoked branch returns to the caller, so no path leads
   * through the caller.
   */
  readonly joinsAhead: (node: string, caller: string | undefined) => JoinsAhead
  /** The nodes with a limit of concurrent steps. */
  readonly limited: readonly string[]
}

/**
 * Returns whether the branch itself continues along the edge. A query returns, and a notification starts a separate
 * branch.
 */
export const carries = (edge: CanonicalEdge): boolean => edge.type === 'invoke' || edge.type === 'stream'

/**
 * Returns whether the node is a join: more than one node leads to it, without counting nodes to which it leads back.
 */
function meets(node: CanonicalNode, edges: readonly CanonicalEdge[], starts: ReadonlySet<string>): boolean {
  if (node.kind !== 'agent') return false
  const from = new Set<string>()
  for (const edge of edges) if (edge.to === node.name && carries(edge) && !starts.has(edge.from)) from.add(edge.from)
  for (const edge of edges) if (edge.from === node.name && carries(edge)) from.delete(edge.to)
  from.delete(node.name)
  return from.size > 1
}

type Neighbours = ReadonlyMap<string, readonly string[]>

function walk(start: string, next: Neighbours, joinNodes: ReadonlySet<string>, closed: ReadonlySet<string>): string[] {
  const seen = new Set<string>()
  const found: string[] = []
  const stack = [...(next.get(start) ?? [])].reverse()
  while (stack.length > 0) {
    const name = stack.pop() as string
    if (seen.has(name)) continue
    seen.add(name)
    if (joinNodes.has(name)) found.push(name)
    if (closed.has(name)) continue
    const onward = next.get(name) ?? []
    for (let i = onward.length - 1; i >= 0; i--) stack.push(onward[i] as string)
  }
  return found
}

export function graphOf(topology: CanonicalTopology): Graph {
  const edges = topology.edges.map((edge, index) => ({ ...edge, index }))
  const starts = new Set(topology.nodes.filter((n) => n.kind === 'start').map((n) => n.name))
  const out = new Map<string, GraphEdge[]>()
  const into = new Map<string, GraphEdge[]>()
  const next = new Map<string, string[]>()
  const append = <T>(map: Map<string, T[]>, key: string, value: T) => {
    const list = map.get(key)
    if (list) list.push(value)
    else map.set(key, [value])
  }
  for (const edge of edges) {
    append(out, edge.from, edge)
    append(into, edge.to, edge)
    if (carries(edge)) append(next, edge.from, edge.to)
  }
  const around = (node: CanonicalNode) => [...(out.get(node.name) ?? []), ...(into.get(node.name) ?? [])]
  const joinNodes = new Set(topology.nodes.filter((n) => meets(n, around(n), starts)).map((n) => n.name))
  const nodes = new Map<string, GraphNode>()
  for (const node of topology.nodes)
    nodes.set(node.name, {
      ...node,
      label: node.agent ?? node.name,
      out: out.get(node.name) ?? [],
      in: into.get(node.name) ?? [],
      perPass: (out.get(node.name) ?? []).filter((edge) => edge.perPass),
      isJoin: joinNodes.has(node.name),
    })
  const limited = topology.nodes.filter((n) => n.limit !== undefined).map((n) => n.name)
  const joinsAhead = aheadOf(next, joinNodes)
  return { nodes, edges, entries: edges.filter((e) => starts.has(e.from)), limited, joinsAhead }
}

/** Each answer is computed at its first use. */
function aheadOf(next: Neighbours, joinNodes: ReadonlySet<string>): Graph['joinsAhead'] {
  const byCaller = new Map<string | undefined, Map<string, JoinsAhead>>()
  const none: JoinsAhead = { reach: [], first: [] }
  const compute = (node: string, caller: string | undefined): JoinsAhead => {
    // A branch that was handed to the caller continues there.
    const isClosed = caller !== undefined && caller !== node
    const open = isClosed ? new Set([...joinNodes].filter((name) => name !== caller)) : joinNodes
    const ends = isClosed ? [caller] : []
    return {
      reach: walk(node, next, open, new Set(ends)),
      first: walk(node, next, open, new Set([...joinNodes, ...ends])),
    }
  }
  return (node, caller) => {
    if (joinNodes.size === 0) return none
    const known = byCaller.get(caller) ?? new Map<string, JoinsAhead>()
    byCaller.set(caller, known)
    const found = known.get(node) ?? compute(node, caller)
    known.set(node, found)
    return found
  }
}

/**
 * Returns whether the result of the edge's target returns along it: for a query, for an edge with `returns`, and if the
 * target has an edge back.
 */
export const returnsTo = (graph: Graph, edge: GraphEdge): boolean =>
  edge.type === 'query' ||
  edge.returns === true ||
  (carries(edge) && graph.nodes.get(edge.to)?.out.some((back) => back.to === edge.from && carries(back)) === true)
