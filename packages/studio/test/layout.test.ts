/** The drawing of teams: no line passes through a box that it does not belong to, and no two boxes overlap. */
import { defineAgent, defineTopology, patterns, type TopologyForm } from 'troupe'
import { describe, expect, test } from 'vitest'
import type { Topology } from '../src/api/shapes.ts'
import { labelSize } from '../src/parts/connections.ts'
import { type DrawnConnection, fitting, sizeOf } from '../src/parts/layout.ts'

const agent = (name: string) => defineAgent({ name, run: async () => null })
const agents = (count: number) => Array.from({ length: count }, (_, i) => agent(`Agent-${i + 1}`))
const [a, b, c, d, e] = agents(5) as [Agent, Agent, Agent, Agent, Agent]
type Agent = ReturnType<typeof agent>

const hub = (count: number) => patterns.hubAndSpoke({ hub: agent('Hub'), spokes: agents(count), parallelSpokes: true })

const ofPatterns: Readonly<Record<keyof typeof patterns, TopologyForm>> = {
  pipeline: patterns.pipeline({
    stages: [{ agents: [a] }, { agents: [b, c, d], parallel: true }, { agents: [e] }] as never,
  }),
  hubAndSpoke: hub(4),
  hierarchical: patterns.hierarchical({ root: a, tree: { [a.name]: [b, c], [b.name]: [d, e] } }),
  mesh: patterns.mesh({ agents: [a, b, c, d, e], entry: c }),
  star: patterns.star({ center: a, points: [b, c, d] }),
  ring: patterns.ring({ agents: [a, b, c, d], rounds: 3 }),
  broadcast: patterns.broadcast({ broadcaster: a, receivers: [b, c, d], allowReplies: true }),
  supervisor: patterns.supervisor({ supervisor: a, workers: [b, c] }),
  swarm: patterns.swarm({ agents: [a, b, c, d] }),
  router: patterns.router({ routes: { b, c, d } }),
  mapReduce: patterns.mapReduce({ map: a, reduce: b }),
  vote: patterns.vote({ voters: [a, b, c, d, e] }),
  blackboard: patterns.blackboard({ agents: [a, b, c], until: () => true }),
  planAndExecute: patterns.planAndExecute({ planner: a, executor: b }),
  loop: patterns.loop({ body: a, check: b }),
}

/** Teams of random edges, the same ones in each run of the test. */
function randomTeam(seed: number): Topology {
  let state = seed + 1
  const below = (limit: number) => {
    state = (state * 48_271) % 2_147_483_647
    return state % limit
  }
  const names = Array.from({ length: 3 + below(12) }, (_, i) => `N${i}`)
  const edges = Array.from({ length: names.length + below(2 * names.length) }, () => ({
    from: names[below(names.length)] as string,
    to: names[below(names.length)] as string,
    type: below(3) === 0 ? 'notify' : 'invoke',
  }))
  return {
    nodes: names.map((name, i) => ({ name, kind: i === 0 ? 'start' : 'agent' })),
    edges: edges.filter(({ from, to }) => from !== to),
  }
}

const teams: readonly (readonly [string, Topology])[] = [
  ...Object.entries(ofPatterns).map(([name, form]) => [name, defineTopology(form).canonical] as const),
  ...[3, 5, 8, 30, 200].map((count) => [`a hub of ${count}`, defineTopology(hub(count)).canonical] as const),
  ...Array.from({ length: 100 }, (_, seed) => [`random team ${seed}`, randomTeam(seed)] as const),
]

interface Box {
  readonly name: string
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}
interface Point {
  readonly x: number
  readonly y: number
}

/** Points on a path of moves, lines and cubic curves, close enough to each other to hit any box. */
function pointsOn(path: string): readonly Point[] {
  const points: Point[] = []
  let at: Point = { x: 0, y: 0 }
  for (const [, command, numbers] of path.matchAll(/([MLC]) ([^MLC]*)/g)) {
    const [p1, p2, p3] = (numbers as string)
      .trim()
      .split(' ')
      .map((pair) => ({ x: Number(pair.split(',')[0]), y: Number(pair.split(',')[1]) })) as [Point, Point, Point]
    const from = at
    for (let step = 0; step <= 64 && command !== 'M'; step++) {
      const t = step / 64
      const mix = (axis: 'x' | 'y') =>
        command === 'L'
          ? from[axis] + t * (p1[axis] - from[axis])
          : (1 - t) ** 3 * from[axis] +
            3 * (1 - t) ** 2 * t * p1[axis] +
            3 * (1 - t) * t ** 2 * p2[axis] +
            t ** 3 * p3[axis]
      points.push({ x: mix('x'), y: mix('y') })
    }
    at = command === 'C' ? p3 : p1
    if (command === 'M') points.push(at)
  }
  return points
}

const isInside = ({ x, y }: Point, { left, right, top, bottom }: Box) =>
  x > left + 1 && x < right - 1 && y > top + 1 && y < bottom - 1
const overlap = (one: Box, other: Box) =>
  one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom

const boxAround = (name: string, { x, y }: Point, { width, height }: { width: number; height: number }): Box => ({
  name,
  left: x - width / 2,
  right: x + width / 2,
  top: y - height / 2,
  bottom: y + height / 2,
})

/** What is wrong with the drawing of a team, in words. */
function faultsOf(topology: Topology, isNarrow: boolean): readonly string[] {
  const { positions, connections } = fitting(topology, isNarrow)
  const size = sizeOf(isNarrow)
  const nodes = [...positions].map(([name, { x, y }]) =>
    boxAround(name, { x: x + size.width / 2, y: y + size.height / 2 }, size),
  )
  const nameOf = ({ from, to }: DrawnConnection) => `${from} - ${to}`
  const labels = connections.flatMap((connection) =>
    connection.label ? [boxAround(nameOf(connection), connection.label, labelSize(connection, isNarrow))] : [],
  )
  const boxes = [...nodes, ...labels]
  const overlaps = boxes.flatMap((one, i) =>
    boxes.slice(i + 1).flatMap((other) => (overlap(one, other) ? [`${one.name} overlaps ${other.name}`] : [])),
  )
  const crossings = connections.flatMap((connection) => {
    const points = pointsOn(connection.path)
    const others = boxes.filter(({ name }) => name !== nameOf(connection))
    return others
      .filter((box) => points.some((point) => isInside(point, box)))
      .map(({ name }) => `${nameOf(connection)} passes through ${name}`)
  })
  return [...overlaps, ...crossings]
}

describe('The drawing of a team', () => {
  test('The layout draws no line through a box and no box over another, for every pattern, hub and random team.', () => {
    for (const isNarrow of [false, true])
      for (const [name, topology] of teams)
        expect(faultsOf(topology, isNarrow), `${name}${isNarrow ? ', on a phone' : ''}`).toEqual([])
  })

  test('The layout draws no line through its own label on a phone.', () => {
    for (const [name, topology] of teams)
      for (const connection of fitting(topology, true).connections) {
        if (!connection.label) continue
        const box = boxAround(name, connection.label, labelSize(connection, true))
        expect(
          pointsOn(connection.path).filter((point) => isInside(point, box)),
          `${name}: ${connection.from} - ${connection.to}`,
        ).toEqual([])
      }
  })

  test('The layout draws every edge once, and both edges of a pair as one line.', () => {
    for (const [name, topology] of teams) {
      const { connections } = fitting(topology, false)
      const drawn = connections.flatMap(({ forward, backward }) => [...forward, ...backward])
      expect(
        drawn.toSorted((x, y) => x - y),
        name,
      ).toEqual(topology.edges.map((_, i) => i))
      for (const { from, to, forward, backward } of connections) {
        for (const i of forward) expect(topology.edges[i]).toMatchObject({ from, to })
        for (const i of backward) expect(topology.edges[i]).toMatchObject({ from: to, to: from })
      }
    }
    const { connections } = fitting(defineTopology(hub(8)).canonical, false)
    expect(connections.filter(({ backward }) => backward.length === 1)).toHaveLength(8)
    expect(connections).toHaveLength(10)
  })

  test('An edge of the drawn team begins and ends at the border of its nodes.', () => {
    for (const [name, topology] of teams) {
      const { positions, connections } = fitting(topology, false)
      const { width, height } = sizeOf(false)
      for (const { from, to, path } of connections) {
        const points = pointsOn(path)
        for (const [node, end] of [
          [from, points[0]],
          [to, points.at(-1)],
        ] as const) {
          const { x = 0, y = 0 } = positions.get(node) ?? {}
          expect(end?.y, `${name}: ${from} - ${to}`).toBeCloseTo(y + height / 2)
          expect(
            [x, x + width].some((side) => Math.abs(side - (end?.x ?? 0)) < 0.01),
            name,
          ).toBe(true)
        }
      }
    }
  })
})
