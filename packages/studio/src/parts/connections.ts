/** What is drawn between two nodes: one line for all edges of a pair, with an arrowhead at each end that an edge points to. */
import type { Topology } from '../api/shapes.ts'

export interface JoinedEdges {
  readonly from: string
  readonly to: string
  /** The edges from the first node to the second, by their index in the topology. */
  readonly forward: readonly number[]
  /** The edges from the second node to the first. */
  readonly backward: readonly number[]
  /** The types that are written on it: `invoke` is what an edge does unless it says otherwise. */
  readonly types: readonly string[]
}

/** Joins the edges between the same two nodes. The first node of a pair is the one nearer to the start of the run. */
export function connectionsOf({ nodes, edges }: Topology): readonly JoinedEdges[] {
  const distances = distancesFromStart({ nodes, edges })
  const pairs = new Map<string, number[]>()
  for (const [i, { from, to }] of edges.entries()) {
    const key = JSON.stringify([from, to].sort())
    pairs.set(key, [...(pairs.get(key) ?? []), i])
  }
  const distance = (name: string) => distances.get(name) ?? Number.POSITIVE_INFINITY
  return [...pairs.values()].map((indices) => {
    const pair = indices.map((i) => edges[i] as Topology['edges'][number])
    const { from: a, to: b } = pair[0] as Topology['edges'][number]
    const isMutual = pair.some(({ from }) => from !== a)
    const [from, to] = isMutual && distance(b) < distance(a) ? [b, a] : [a, b]
    const isForward = (i: number) => edges[i]?.from === from
    return {
      from,
      to,
      forward: indices.filter(isForward),
      backward: indices.filter((i) => !isForward(i)),
      types: [...new Set(pair.map(({ type }) => type))].filter((type) => type !== 'invoke'),
    }
  })
}

/** The number of edges from the start of the run to each node. */
function distancesFromStart({ nodes, edges }: Topology): ReadonlyMap<string, number> {
  const distances = new Map<string, number>()
  let next = nodes.filter(({ kind }) => kind === 'start').map(({ name }) => name)
  for (let distance = 0; next.length > 0; distance++) {
    for (const name of next) distances.set(name, distance)
    next = edges.filter(({ from, to }) => next.includes(from) && !distances.has(to)).map(({ to }) => to)
  }
  return distances
}

/** px of a character of a label, and around its text. */
const character = 6.5
const padding = 6
/** How many digits of a count are given room; a longer count grows into the space beside it. */
const digits = 2

/** The room for the label of a connection. It does not depend on counts, so that a drawing stays as it is in a run. */
export function labelSize({ forward, backward, types }: JoinedEdges, isNarrow: boolean) {
  const counts = forward.length > 0 && backward.length > 0 ? 2 * digits + 3 : digits + 1
  const text = counts + (isNarrow || types.length === 0 ? 0 : types.join(', ').length + 1)
  return { width: Math.ceil(text * character) + padding, height: 16 }
}
