/** Where the nodes of a team stand. */
import dagre from '@dagrejs/dagre'
import type { Topology } from '../api/shapes.ts'

/** px of a node; page.css has the same. */
const widths = { narrow: 112, wide: 168 }
const height = 60
const gap = 24

interface Point {
  readonly x: number
  readonly y: number
}
interface Centre extends Point {
  readonly name: string
}

type Positions = ReadonlyMap<string, Point>

interface Drawing {
  readonly positions: Positions
  readonly isDown: boolean
  /** px that it takes, where it is made as small as its room. */
  readonly tall: number
  readonly scale: number
}

/** px that a phone has for it, at most. */
const phoneSize = { width: 310, height: 400 }

export const sizeOf = (isNarrow: boolean) => ({ width: isNarrow ? widths.narrow : widths.wide, height })

/** On a phone a team is drawn the way in which it is larger. */
export function fitting(topology: Topology, isNarrow: boolean): Drawing {
  const across = drawn(topology, { isDown: false, isNarrow })
  if (!isNarrow) return across
  const down = drawn(topology, { isDown: true, isNarrow })
  return down.scale >= across.scale ? down : across
}

function drawn(
  { nodes, edges }: Topology,
  { isDown, isNarrow }: { readonly isDown: boolean; readonly isNarrow: boolean },
): Drawing {
  const { width } = sizeOf(isNarrow)
  const graph = new dagre.graphlib.Graph()
  // What an edge says stands on it, and wants room.
  const hasLabels = !isNarrow && edges.some(({ type }) => type !== 'invoke')
  graph.setGraph({ rankdir: isDown ? 'TB' : 'LR', nodesep: gap, ranksep: isNarrow ? 36 : hasLabels ? 112 : 56 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { name } of nodes) graph.setNode(name, { width, height })
  for (const { from, to } of edges) graph.setEdge(from, to)
  dagre.layout(graph)
  const centres = nodes.map(({ name }) => ({ name, ...(graph.node(name) as Point) }))
  const positions = new Map(
    wrapped(centres, { isDown, width }).map(({ name, x, y }) => [name, { x: x - width / 2, y: y - height / 2 }]),
  )
  const at = [...positions.values()]
  const wide = extent(at.map(({ x }) => x)) + width
  const tall = extent(at.map(({ y }) => y)) + height
  const scale = isNarrow ? Math.min(1, phoneSize.width / wide, phoneSize.height / tall) : 1
  return { positions, isDown, tall: tall * scale, scale }
}

const extent = (at: readonly number[]): number => Math.max(0, ...at) - Math.min(0, ...at)

/** Nodes of one rank that stand in a line; more of them stand in several. */
const inLine = 12
/** How much wider than high the room for a team is. */
const shape = 2.5

/** A rank of two hundred in one line could not be looked at: it becomes a block, and what follows makes room. */
function wrapped(centres: readonly Centre[], { isDown, width }: { isDown: boolean; width: number }): readonly Centre[] {
  const ranks = new Map<number, Centre[]>()
  for (const centre of centres) {
    const at = isDown ? centre.y : centre.x
    ranks.set(at, [...(ranks.get(at) ?? []), centre])
  }
  if ([...ranks.values()].every(({ length }) => length <= inLine)) return centres
  const [across, along] = isDown ? [width + gap, height + gap] : [height + gap, width + gap]
  const middle = { isDown, across, along }
  let pushed = 0
  return [...ranks]
    .sort(([a], [b]) => a - b)
    .flatMap(([at, rank]) => {
      const lines = rank.length <= inLine ? 1 : linesOf(rank.length, middle)
      const rows = block(rank, { ...middle, lines, at: at + pushed })
      pushed += (lines - 1) * along
      return rows
    })
}

interface Spaced {
  readonly isDown: boolean
  /** px from node to node, in a line of a rank and from line to line. */
  readonly across: number
  readonly along: number
}

const linesOf = (nodes: number, { isDown, across, along }: Spaced): number =>
  Math.max(1, Math.round(Math.sqrt((nodes * across * (isDown ? 1 / shape : shape)) / along)))

function block(
  rank: readonly Centre[],
  { isDown, across, along, lines, at }: Spaced & { readonly lines: number; readonly at: number },
): readonly Centre[] {
  const perLine = Math.ceil(rank.length / lines)
  return rank.map(({ name }, i) => {
    const side = ((i % perLine) - (perLine - 1) / 2) * across
    const ahead = at + Math.floor(i / perLine) * along
    return isDown ? { name, x: side, y: ahead } : { name, x: ahead, y: side }
  })
}
