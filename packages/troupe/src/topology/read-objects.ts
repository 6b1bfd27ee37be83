/** Reads the object form: a list of nodes and a list of edges. */
import type { Agent } from '../agents/index.ts'
import { checkFlag, checkName, checkOptions, listOf, nearest, show } from '../core/index.ts'
import { nestTeams } from './nest-teams.ts'
import { edgeIn, invalid, nodeInError, readEdgeOptions, type TopologyDraft } from './topology-draft.ts'
import type {
  CompiledTopology,
  NodeOptions,
  ObjectEdge,
  ObjectForm,
  ObjectNode,
  TopologyForm,
} from './topology-forms.ts'

const nodeOptions = ['name', 'kind', 'agent', 'size', 'topology', 'join', 'deadline', 'onFailure', 'limit'] as const
const edgeOptions = ['from', 'to', 'type', 'when', 'maxTurns', 'limit', 'perPass', 'fanOut', 'alternating'] as const
const kinds = ['start', 'end', 'user', 'agent', 'pool', 'topology']
const kindsOfReservedNames: Readonly<Record<string, 'start' | 'end' | 'user'>> = {
  Start: 'start',
  End: 'end',
  User: 'user',
}

type Agents = ReadonlyMap<string, Agent>

export function readObjects(
  draft: TopologyDraft,
  form: ObjectForm,
  agents: Agents,
  compile: (form: TopologyForm) => CompiledTopology,
): void {
  checkOptions('topology', form, ['nodes', 'edges', 'config'])
  const nested = new Map<string, CompiledTopology>()
  for (const node of listOf('nodes', form.nodes)) {
    const inner = addNode(draft, node, agents, compile)
    if (inner) nested.set(node.name, inner)
  }
  for (const edge of listOf('edges', form.edges)) addEdge(draft, edge)
  nestTeams(draft, nested)
}

function addNode(
  draft: TopologyDraft,
  node: ObjectNode,
  agents: Agents,
  compile: (form: TopologyForm) => CompiledTopology,
): CompiledTopology | undefined {
  checkOptions(nodeInError(node), node, nodeOptions)
  const { name, agent, size, topology, kind: kindOption, ...options } = node
  const kind = kindOption ?? kindsOfReservedNames[name] ?? (topology ? 'topology' : 'agent')
  checkName('agent', name)
  if (!kinds.includes(kind)) throw invalid(name, `there is no kind ${show(kind)}`, `It is one of ${kinds.join(', ')}`)
  if (kind !== 'agent' && kind !== 'pool' && Object.keys(options).length + (size === undefined ? 0 : 1) > 0)
    throw invalid(name, `a node of kind ${kind} has no options`, 'Give them to agents')
  if (kind === 'topology') {
    if (!topology) throw invalid(name, 'it has no topology', 'Give it one')
    draft.addNode({ name, kind: 'agent' })
    return compile(topology)
  }
  if (kind === 'agent' || kind === 'pool')
    draft.addAgentNode(name, definition(name, agent, agents), limits(node, options))
  else draft.addNode({ name, kind })
  return undefined
}

function limits({ name, kind, size }: ObjectNode, options: NodeOptions): NodeOptions {
  if (kind !== 'pool') {
    if (size !== undefined) throw invalid(name, 'only a pool has a size', 'Write limit, or kind: pool')
    return options
  }
  if (options.limit !== undefined) throw invalid(name, 'it has a limit and is a pool', 'Say its size alone')
  return size === undefined ? options : { ...options, limit: size }
}

export function definition(name: string, agent: Agent | string | undefined, agents: Agents): Agent {
  if (typeof agent === 'object') return agent
  const wanted = agent ?? name
  if (typeof wanted !== 'string')
    throw invalid(name, `its agent is ${show(wanted)}`, 'Give it a definition, or the name of one')
  const found = agents.get(wanted)
  if (found) return found
  const like = nearest(wanted, agents.keys())
  throw invalid(name, `the definition of ${wanted} is missing`, `Pass it: { agents: [${like ?? wanted}] }`)
}

function addEdge(draft: TopologyDraft, edge: ObjectEdge): void {
  checkOptions('an edge', edge, edgeOptions)
  const location = edgeIn(edge)
  const { fanOut, alternating } = edge
  if (edge.maxTurns !== undefined && !alternating)
    throw invalid(location, 'only an alternating edge has maxTurns', 'Write limit, or alternating: true')
  draft.addEdge({
    from: draft.use(edge.from, location),
    to: draft.use(edge.to, location),
    ...readEdgeOptions(location, edge),
    ...(fanOut !== undefined && checkFlag(`${location}: fanOut`, fanOut) ? { fanOut: true as const } : {}),
    ...(alternating !== undefined && checkFlag(`${location}: alternating`, alternating)
      ? { alternating: true as const }
      : {}),
  })
}
