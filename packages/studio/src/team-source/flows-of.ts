/** The flows of a topology, in an order that gives the same edges. */
import type { Runs } from 'troupe'

export interface Flows {
  readonly flows: readonly string[]
  readonly nodes: { readonly [name: string]: Runs.NodeOptions }
  readonly edges: { readonly [flow: string]: Runs.EdgeOptions }
  /** The parts of the topology that flows cannot express, as sentences. */
  readonly missing: readonly string[]
}

interface Flow {
  readonly text: string
  readonly options: Runs.EdgeOptions
  readonly edges: readonly Runs.CanonicalEdge[]
}

export function flowsOf({ nodes, edges }: Runs.CanonicalTopology): Flows {
  const missing = [...nodes.flatMap(missingOfNode), ...edges.flatMap(missingOfEdge)]
  const flows: Flow[] = []
  const waiting = edges.filter(({ from, to }) => isPlain(from) && isPlain(to))
  while (waiting[0]) {
    const flow = nextFlow(waiting) ?? asPlain(waiting[0], missing)
    flows.push(flow)
    for (const edge of flow.edges) waiting.splice(waiting.indexOf(edge), 1)
  }
  const withOptions = nodes.flatMap((node) => {
    const options = optionsOfNode(node)
    return Object.keys(options).length > 0 ? [[node.name, options] as const] : []
  })
  return {
    flows: flows.map(({ text }) => text),
    nodes: Object.fromEntries(withOptions),
    edges: Object.fromEntries(
      flows.flatMap(({ text, options }) => (Object.keys(options).length > 0 ? [[text, options]] : [])),
    ),
    missing,
  }
}

/** Commas, braces and arrows in a name would be read as those of the flow. */
const isPlain = (name: string) => name === name.trim() && !/[,{}]|<->|<~>|->|=>/.test(name)

const missingOfNode = ({ name, agent = name, role }: Runs.CanonicalNode): readonly string[] => [
  ...(role ? [`The node '${name}' is built in: no flow creates a node with the role '${role.kind}'.`] : []),
  ...(agent === name ? [] : [`The node '${name}' executes the agent '${agent}'.`]),
]

const missingOfEdge = ({ from, to, returns, leaves }: Runs.CanonicalEdge): readonly string[] => [
  ...(isPlain(from) && isPlain(to)
    ? []
    : [`The edge from '${from}' to '${to}' is missing: no flow can have such names.`]),
  ...(returns ? [`An invocation from '${from}' to '${to}' returns, as of a team inside a team.`] : []),
  ...(leaves === undefined ? [] : [`\`finish\` of '${from}' leads to '${to}', as out of a team inside a team.`]),
]

function optionsOfNode({ join, deadline, onFailure, limit }: Runs.CanonicalNode): Runs.NodeOptions {
  return {
    ...(join === undefined ? {} : { join }),
    ...(deadline === undefined ? {} : { deadline: deadline % 1_000 === 0 ? `${deadline / 1_000}s` : `${deadline}ms` }),
    ...(onFailure === undefined ? {} : { onFailure }),
    ...(limit === undefined ? {} : { limit }),
  }
}

/**
 * The canonical form sorts edges by the node at which they begin. So a flow may come next if each of its edges is the
 * first one that its node still has.
 */
function nextFlow(waiting: readonly Runs.CanonicalEdge[]): Flow | undefined {
  const first = (name: string) => waiting.find(({ from }) => from === name)
  for (const edge of waiting) {
    if (first(edge.from) !== edge) continue
    const { from, to, fanOut, alternating } = edge
    const options = optionsOfEdge(edge)
    const back = first(to)
    const isPair = back?.to === from && back !== edge && alike(edge, back)
    if (alternating && !fanOut) {
      if (isPair && edge.type === 'invoke') return { text: `${from} <~> ${to}`, options, edges: [edge, back] }
    } else if (fanOut && !alternating) {
      if (edge.type === 'invoke' || edge.type === 'stream') return fanOutFlow(edge, waiting)
    } else if (!fanOut && edge.maxTurns === undefined) {
      if (isPair && Object.keys(options).length === 0)
        return { text: `${from} <-> ${to}`, options, edges: [edge, back] }
      return { text: `${from} -> ${to}`, options, edges: [edge] }
    }
  }
  return undefined
}

/** All edges in sequence that are alike are one flow. */
function fanOutFlow(edge: Runs.CanonicalEdge, waiting: readonly Runs.CanonicalEdge[]): Flow {
  const ofNode = waiting.filter(({ from }) => from === edge.from)
  const end = ofNode.findIndex((other) => !alike(edge, other))
  const edges = end < 0 ? ofNode : ofNode.slice(0, end)
  const targets = edges.map(({ to }) => to)
  const text = `${edge.from} => ${targets.length > 1 ? `{${targets.join(', ')}}` : edge.to}`
  return { text, options: optionsOfEdge(edge), edges }
}

const alike = (one: Runs.CanonicalEdge, other: Runs.CanonicalEdge): boolean => {
  const marks = ({ fanOut, alternating }: Runs.CanonicalEdge) => [fanOut, alternating]
  return JSON.stringify([optionsOfEdge(one), marks(one)]) === JSON.stringify([optionsOfEdge(other), marks(other)])
}

function optionsOfEdge({ type, when, maxTurns, limit, perPass }: Runs.CanonicalEdge): Runs.EdgeOptions {
  return {
    ...(type === 'invoke' ? {} : { type }),
    ...(when === undefined ? {} : { when }),
    ...(maxTurns === undefined ? {} : { maxTurns }),
    ...(limit === undefined ? {} : { limit }),
    ...(perPass ? { perPass } : {}),
  }
}

/** Writes an edge whose marks no flow can have as a plain one. */
function asPlain(edge: Runs.CanonicalEdge, missing: string[]): Flow {
  const { maxTurns: _, ...options } = optionsOfEdge(edge)
  const marks = (['fanOut', 'alternating', 'maxTurns'] as const).filter((mark) => edge[mark] !== undefined)
  missing.push(`The edge from '${edge.from}' to '${edge.to}' has ${marks.join(' and ')}, which no flow can express.`)
  return { text: `${edge.from} -> ${edge.to}`, options, edges: [edge] }
}
