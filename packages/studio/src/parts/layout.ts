/** Where the nodes of a team are drawn, and along which path each of its edges. */
import dagre from '@dagrejs/dagre'
import type { Topology } from '../api/shapes.ts'
import { connectionsOf, type JoinedEdges, labelSize } from './connections.ts'

/** px of a node; graph.css has the same. */
const widths = { narrow: 112, wide: 168 }
const height = 60
const gap = 24

interface Point {
  readonly x: number
  readonly y: number
}
interface Size {
  readonly width: number
  readonly height: number
}
interface Centre extends Point {
  readonly name: string
}

/** A connection with its path, and the centre of its label where there is room for one. */
export interface DrawnConnection extends JoinedEdges {
  /** The path of an SVG element, from the first node to the second. */
  readonly path: string
  readonly label: Point | undefined
}

interface Drawing {
  /** The upper left corner of each node. */
  readonly positions: ReadonlyMap<string, Point>
  readonly connections: readonly DrawnConnection[]
  readonly isDown: boolean
  /** px that the drawing is high, after it was scaled to its frame. */
  readonly tall: number
  readonly scale: number
  /** px of an overview of the drawing. */
  readonly overview: Size
}

/** px of an overview: beside the drawing on a wide page, and as wide as the drawing on a phone. */
const overviewLimits = {
  wide: { width: { min: 48, max: 240 }, height: { min: 40, max: 120 } },
  narrow: { width: { min: 310, max: 310 }, height: { min: 40, max: 160 } },
} as const

function overviewOf(wide: number, tall: number, isNarrow: boolean): Size {
  const { width, height: high } = overviewLimits[isNarrow ? 'narrow' : 'wide']
  const scale = Math.min(width.max / wide, high.max / tall)
  return { width: Math.max(width.min, wide * scale), height: Math.max(high.min, tall * scale) }
}

/** px between a line and its label on a phone, where lines are so short that a label on them would cover them. */
const labelGap = 3
/** The room for a label beside its line, on both sides of the line. */
const sizeBeside = ({ width: wide, height: high }: Size, isDown: boolean): Size =>
  isDown ? { width: 2 * (wide + labelGap), height: high } : { width: wide, height: 2 * (high + labelGap) }

/** px that a phone has for it, at most. */
const phoneSize = { width: 310, height: 400 }

export const sizeOf = (isNarrow: boolean) => ({ width: isNarrow ? widths.narrow : widths.wide, height })

/** On a phone a team is drawn in the direction in which it is larger. */
export function fitting(topology: Topology, isNarrow: boolean): Drawing {
  const across = drawn(topology, { isDown: false, isNarrow })
  if (!isNarrow) return across
  const down = drawn(topology, { isDown: true, isNarrow })
  return down.scale >= across.scale ? down : across
}

interface Form {
  readonly isDown: boolean
  readonly isNarrow: boolean
}

function drawn(topology: Topology, { isDown, isNarrow }: Form): Drawing {
  const { width } = sizeOf(isNarrow)
  const connections = connectionsOf(topology)
  const graph = new dagre.graphlib.Graph()
  graph.setGraph({ rankdir: isDown ? 'TB' : 'LR', nodesep: gap, edgesep: gap, ranksep: isNarrow ? 24 : 64 })
  for (const { name } of topology.nodes) graph.setNode(name, { width, height })
  for (const connection of connections) {
    const size = labelSize(connection, isNarrow)
    const reserved = isNarrow ? sizeBeside(size, isDown) : size
    graph.setEdge(connection.from, connection.to, { ...reserved, labelpos: 'c' })
  }
  dagre.layout(graph)
  const ranked = topology.nodes.map(({ name }) => ({ name, ...(graph.node(name) as Point) }))
  const centres = wrapped(ranked, { isDown, width })
  const isWrapped = centres !== ranked
  const at = new Map<string, Point>(centres.map(({ name, x, y }) => [name, { x, y }]))
  const routes = connections.map((connection): Route => {
    const [from, to] = [at.get(connection.from) as Point, at.get(connection.to) as Point]
    if (isWrapped) return { connection, inner: gapsBetween(centres, from, to, isDown), label: undefined }
    const { points, x, y } = graph.edge(connection.from, connection.to)
    const onLine = { x: x ?? 0, y: y ?? 0 }
    const label = isNarrow ? besideLine(onLine, labelSize(connection, isNarrow), isDown) : onLine
    return { connection, inner: (points as readonly Point[]).slice(1, -1), label }
  })
  const boxes = [
    ...centres.map(({ x, y }) => ({ x, y, width, height })),
    ...routes.flatMap(({ connection, label }) => (label ? [{ ...label, ...labelSize(connection, isNarrow) }] : [])),
  ]
  const pathOf = pathsBetween(boxes, isDown)
  const outline = [
    ...boxes.flatMap((box) => [
      { x: box.x - box.width / 2, y: box.y - box.height / 2 },
      { x: box.x + box.width / 2, y: box.y + box.height / 2 },
    ]),
    ...routes.flatMap(({ inner }) => inner),
  ]
  const wide = extent(outline.map(({ x }) => x))
  const tall = extent(outline.map(({ y }) => y))
  const scale = isNarrow ? Math.min(1, phoneSize.width / wide, phoneSize.height / tall) : 1
  return {
    positions: new Map(centres.map(({ name, x, y }) => [name, { x: x - width / 2, y: y - height / 2 }])),
    connections: routes.map(({ connection, inner, label }) => ({
      ...connection,
      path: pathOf(at.get(connection.from) as Point, inner, at.get(connection.to) as Point),
      label,
    })),
    isDown,
    tall: tall * scale,
    scale,
    overview: overviewOf(wide, tall, isNarrow),
  }
}

/** Returns the centre of a label that stands to the right of a line that goes down, or above one that goes across. */
const besideLine = ({ x, y }: Point, { width: wide, height: high }: Size, isDown: boolean): Point =>
  isDown ? { x: x + labelGap + wide / 2, y } : { x, y: y - labelGap - high / 2 }

const extent = (at: readonly number[]): number => Math.max(...at) - Math.min(...at)

interface Route {
  readonly connection: JoinedEdges
  /** The points between both nodes: one for each rank that the connection passes. */
  readonly inner: readonly Point[]
  readonly label: Point | undefined
}

interface Box extends Point, Size {}

/**
 * Returns a function that draws a path through points. In a rank of boxes the path is straight, so that it passes
 * between two boxes; it bends only between ranks, where no box is.
 */
function pathsBetween(boxes: readonly Box[], isDown: boolean) {
  const along = ({ x, y }: Point) => (isDown ? y : x)
  const halves = new Map<number, number>()
  for (const box of boxes) {
    const rank = Math.round(along(box))
    halves.set(rank, Math.max(halves.get(rank) ?? 0, (isDown ? box.height : box.width) / 2))
  }
  const text = (ahead: number, side: number) => (isDown ? `${side},${ahead}` : `${ahead},${side}`)
  return (from: Point, inner: readonly Point[], to: Point): string => {
    if (from === to) return loop(inner)
    const direction = along(to) < along(from) ? -1 : 1
    const pieces = [from, ...inner, to].map((point) => {
      const half = (halves.get(Math.round(along(point))) ?? 0) * direction
      return { enters: along(point) - half, leaves: along(point) + half, side: isDown ? point.x : point.y }
    })
    return pieces
      .map(({ enters, leaves, side }, i) => {
        const before = pieces[i - 1]
        if (before === undefined) return `M ${text(leaves, side)}`
        const middle = (before.leaves + enters) / 2
        const curve = `C ${text(middle, before.side)} ${text(middle, side)} ${text(enters, side)}`
        return i === pieces.length - 1 ? curve : `${curve} L ${text(leaves, side)}`
      })
      .join(' ')
  }
}

/** The path of a connection from a node to itself, through the points of the layout. */
const loop = (points: readonly Point[]): string => points.map(({ x, y }, i) => `${i ? 'L' : 'M'} ${x},${y}`).join(' ')

/** The points at which a connection passes each rank between its nodes: the gap between two boxes that is nearest. */
function gapsBetween(centres: readonly Centre[], from: Point, to: Point, isDown: boolean): readonly Point[] {
  const [ahead, side] = isDown ? (['y', 'x'] as const) : (['x', 'y'] as const)
  const passed = ranksOf(centres, isDown).filter(
    ([at]) => at > Math.min(from[ahead], to[ahead]) && at < Math.max(from[ahead], to[ahead]),
  )
  const points = passed.map(([at, rank]): Point => {
    const sides = rank.map((centre) => centre[side]).sort((a, b) => a - b)
    const step = (sides[1] ?? Number.POSITIVE_INFINITY) - (sides[0] as number)
    const half = Math.min(step, widths.wide + gap) / 2
    const gaps = [(sides[0] as number) - half, ...sides.map((one) => one + half)]
    const nearest = gaps.reduce((a, b) => (Math.abs(b - to[side]) < Math.abs(a - to[side]) ? b : a))
    return isDown ? { x: nearest, y: at } : { x: at, y: nearest }
  })
  return from[ahead] < to[ahead] ? points : points.reverse()
}

/** The nodes of each rank, in the order of the ranks. */
function ranksOf(centres: readonly Centre[], isDown: boolean): readonly (readonly [number, readonly Centre[]])[] {
  const ranks = new Map<number, Centre[]>()
  for (const centre of centres) {
    const at = isDown ? centre.y : centre.x
    ranks.set(at, [...(ranks.get(at) ?? []), centre])
  }
  return [...ranks].sort(([a], [b]) => a - b)
}

/** The number of nodes of one rank that are drawn in one line; a rank of more nodes becomes a block of lines. */
const inLine = 12
/** How much wider than high the room for a team is. */
const shape = 2.5

/** A rank of two hundred in one line could not be read: it becomes a block, and the ranks behind it move. */
function wrapped(centres: readonly Centre[], { isDown, width }: { isDown: boolean; width: number }): readonly Centre[] {
  const ranks = ranksOf(centres, isDown)
  if (ranks.every(([, { length }]) => length <= inLine)) return centres
  const [across, along] = isDown ? [width + gap, height + gap] : [height + gap, width + gap]
  const middle = { isDown, across, along }
  let pushed = 0
  return ranks.flatMap(([at, rank]) => {
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
