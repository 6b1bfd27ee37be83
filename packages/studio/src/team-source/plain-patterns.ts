/** The patterns without a built-in agent: their options follow from the nodes and edges. */
import type { Runs } from 'troupe'
import { around, both, type Candidate, type Link, node, reference } from './pattern-candidate.ts'

export function plainPatterns(topology: Runs.CanonicalTopology): readonly Candidate[] {
  const agents = topology.nodes.filter(({ kind }) => kind === 'agent')
  const names = agents.map(({ name }) => name)
  const [first = '', ...rest] = names
  const nodes = names.map((name) => node(name))
  const others = rest.map(reference)
  const { allowParallel, ...config } = topology.config ?? {}
  const hub = { nodes, links: around(first, rest) }
  return [
    pipeline(topology),
    rounds(topology, names),
    ...(allowParallel === false
      ? [
          {
            ...hub,
            name: 'hubAndSpoke',
            options: { hub: reference(first), spokes: others },
            config: Object.keys(config).length > 0 ? config : undefined,
          },
        ]
      : []),
    { ...hub, name: 'star', options: { center: reference(first), points: others } },
    {
      ...hub,
      name: 'supervisor',
      options: { supervisor: reference(first), workers: others },
      nodes: [node(first, { onFailure: 'collect' }), ...nodes.slice(1)],
    },
    ...[false, true].map((allowReplies) => ({
      name: 'broadcast',
      options: { broadcaster: reference(first), receivers: others, ...(allowReplies ? { allowReplies } : {}) },
      nodes,
      links: broadcast(first, rest, allowReplies),
    })),
    hierarchical(topology, names),
    mesh(topology, names),
  ]
}

function pipeline({ nodes, edges }: Runs.CanonicalTopology): Candidate {
  const agentOf = new Map(nodes.map(({ name, agent = name }) => [name, agent]))
  const next = (name: string) => edges.flatMap(({ from, to }) => (from === name && agentOf.has(to) ? [to] : []))
  const stages: (readonly string[])[] = []
  // A cycle would never reach End; a pipeline has no more stages than the team has nodes.
  for (let stage = next('Start'); stage[0] !== undefined && stage[0] !== 'End'; stage = next(stage[0])) {
    if (stages.length === nodes.length) break
    stages.push(stage)
  }
  const links = [...stages, ['End']].flatMap((stage, i): Link[] =>
    (stages[i - 1] ?? ['Start']).flatMap((from) =>
      stage.map((to): Link => (i > 0 && stage.length > 1 ? [from, to, { fanOut: true }] : [from, to])),
    ),
  )
  return {
    name: 'pipeline',
    options: {
      stages: stages.map((stage) => ({
        agents: stage.map((name) => reference(agentOf.get(name) ?? name)),
        ...(stage.length > 1 ? { parallel: true } : {}),
      })),
    },
    nodes: numbered(stages.flat().map((name) => agentOf.get(name) ?? name)),
    links,
  }
}

/** Names the nodes of agents that a pipeline contains several times, as the pattern does. */
function numbered(agents: readonly string[]): readonly Runs.CanonicalNode[] {
  const used = new Set<string>()
  return agents.map((agent) => {
    let name = agent
    for (let n = 2; used.has(name); n++) name = `${agent} ${n}`
    used.add(name)
    return node(name, { agent })
  })
}

function rounds({ edges }: Runs.CanonicalTopology, names: readonly string[]): Candidate {
  const [first = '', last = ''] = [names[0], names.at(-1)]
  const back = edges.find(({ from, to }) => from === last && to === first)
  const count = (back?.limit ?? 0) + 1
  return {
    name: 'ring',
    options: { agents: names.map(reference), rounds: count },
    nodes: names.map((name) => node(name)),
    links: [
      ['Start', first],
      ...names.slice(1).map((name, i): Link => [names[i] as string, name]),
      ...(back ? [[last, first, { limit: count - 1 }] as const] : []),
      [last, 'End'],
    ],
  }
}

const broadcast = (first: string, rest: readonly string[], replies: boolean): readonly Link[] => [
  ['Start', first],
  ...rest.flatMap((name): Link[] => [
    [first, name, { fanOut: true }],
    [name, replies ? first : 'End'],
  ]),
  ...(replies ? [[first, 'End'] as const] : []),
]

/** The children of an agent are the agents after it to which an edge leads. */
function hierarchical({ edges }: Runs.CanonicalTopology, names: readonly string[]): Candidate {
  const tree = names.flatMap((parent, i) => {
    const below = names.slice(i + 1)
    const children = edges.flatMap(({ from, to }) => (from === parent && below.includes(to) ? [to] : []))
    return children.length > 0 ? [[parent, children] as const] : []
  })
  const [root = ''] = names
  return {
    name: 'hierarchical',
    options: {
      root: reference(root),
      tree: Object.fromEntries(tree.map(([parent, children]) => [parent, children.map(reference)])),
    },
    nodes: names.map((name) => node(name)),
    links: [
      ['Start', root],
      // The order of an object: a name that is a number comes first.
      ...Object.entries(Object.fromEntries(tree)).flatMap(([parent, children]) =>
        children.flatMap((child) => both(parent, child)),
      ),
      [root, 'End'],
    ],
  }
}

/** `swarm` builds the same topology. */
function mesh({ edges }: Runs.CanonicalTopology, names: readonly string[]): Candidate {
  const entry = edges.find(({ from }) => from === 'Start')?.to ?? ''
  return {
    name: 'mesh',
    options: { agents: names.map(reference), ...(entry === names[0] ? {} : { entry: reference(entry) }) },
    nodes: names.map((name) => node(name)),
    links: [
      ['Start', entry],
      ...names.flatMap((name, i) => names.slice(i + 1).flatMap((other) => both(name, other))),
      ...names.map((name): Link => [name, 'End']),
    ],
  }
}
