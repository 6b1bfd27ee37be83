/** Reads the string form: agents and the flows between them. */
import { checkOptions, invalidInput, listOf, nearest } from '../core/index.ts'
import type { CanonicalEdge } from './canonical/canonical-topology.ts'
import { nestTeams } from './nest-teams.ts'
import {
  checkDefinition,
  flowRemedy,
  invalid,
  isReserved,
  nodeInError,
  readEdgeOptions,
  type TopologyDraft,
} from './topology-draft.ts'
import type {
  CompiledTopology,
  EdgeOptions,
  NestedTeam,
  NodeOptions,
  StringForm,
  TopologyForm,
} from './topology-forms.ts'

const operators = ['<->', '<~>', '->', '=>'] as const
type Operator = (typeof operators)[number]

interface Flow {
  readonly text: string
  readonly from: readonly string[]
  readonly operator: Operator
  readonly to: readonly string[]
}

/** Returns the names on one side of a flow: one, or several in braces. */
function side(flow: string, text: string): readonly string[] {
  const inner = /^\{(.*)\}$/s.exec(text.trim())?.[1] ?? text
  const names = inner.split(',').map((name) => name.trim())
  if (names.some((name) => name === '')) throw invalid(`the flow '${flow}'`, 'a name is missing', flowRemedy)
  if (names.length > 1 && inner === text) throw invalid(`the flow '${flow}'`, 'several names need braces', flowRemedy)
  return names
}

function parse(text: string): Flow {
  if (typeof text !== 'string') throw invalid('flows', 'a flow is not a text', flowRemedy)
  for (const operator of operators) {
    const at = text.indexOf(operator)
    if (at < 0) continue
    const rest = text.slice(at + operator.length)
    if (operators.some((other) => rest.includes(other)))
      throw invalid(`the flow '${text}'`, 'it has more than one arrow', flowRemedy)
    return { text, from: side(text, text.slice(0, at)), operator, to: side(text, rest) }
  }
  throw invalid(`the flow '${text}'`, 'it has no arrow', flowRemedy)
}

/** Normalises the spaces of a flow; spaces within a name are preserved. A caller wrote it, so each part is read once. */
const plain = (flow: string) =>
  flow
    .split(/(<->|<~>|->|=>|[{},])/)
    .map((part) => part.trim())
    .join('')

/** Only own properties count, because an agent may have the name of an inherited one, such as `constructor`. */
const ownOf = <T>(options: { readonly [name: string]: T } | undefined, name: string): T | undefined =>
  options && Object.hasOwn(options, name) ? options[name] : undefined

export function readStrings(
  draft: TopologyDraft,
  form: StringForm,
  compile: (form: TopologyForm) => CompiledTopology,
): void {
  checkOptions('topology', form, ['agents', 'flows', 'nodes', 'edges', 'pools', 'config'])
  const flows = listOf('flows', form.flows).map(parse)
  for (const part of ['nodes', 'edges', 'pools'] as const)
    if (form[part] === null || !['object', 'undefined'].includes(typeof form[part]))
      throw invalidInput(part, 'it must be an object')
  const nested = new Map<string, CompiledTopology>()
  for (const agent of listOf('agents', form.agents)) {
    if (typeof agent === 'object' && agent !== null && 'topology' in agent) {
      checkOptions(nodeInError(agent), agent, ['name', 'topology'])
      nested.set(agent.name, compile((agent as NestedTeam).topology))
      draft.addNode({ name: agent.name, kind: 'agent' })
      if (ownOf(form.nodes, agent.name) || ownOf(form.pools, agent.name))
        throw invalid(agent.name, 'a team inside a team has no options of its own', 'Give them to its agents')
    } else {
      checkDefinition(agent)
      draft.addAgentNode(agent.name, agent, optionsOf(form, agent.name))
    }
  }
  for (const name of [...Object.keys(form.nodes ?? {}), ...Object.keys(form.pools ?? {})]) {
    if (isReserved(name)) throw invalid(name, `${name} has no options`, 'Give them to agents')
    if (draft.nodes.has(name)) continue
    const like = nearest(name, draft.nodes.keys())
    const hint = like ? `Did you mean ${like}?` : 'Add the agent, or correct the name'
    throw invalid(name, 'options are given for a node that is not there', hint)
  }
  const options = edgeOptions(form, flows)
  for (const flow of flows)
    for (const from of flow.from)
      for (const to of flow.to) addFlow(draft, flow, from, to, options.get(plain(flow.text)))
  nestTeams(draft, nested)
}

function optionsOf({ nodes, pools }: StringForm, name: string): NodeOptions {
  const own = ownOf(nodes, name) ?? {}
  checkOptions(`nodes.${name}`, own, ['join', 'deadline', 'onFailure', 'limit'])
  const pool = ownOf(pools, name)
  if (!pool) return own
  checkOptions(`pools.${name}`, pool, ['size'])
  if (own.limit !== undefined) throw invalid(name, 'it has a limit and is a pool', 'Say its size alone')
  return { ...own, limit: pool.size }
}

function edgeOptions({ edges = {} }: StringForm, flows: readonly Flow[]): ReadonlyMap<string, EdgeOptions> {
  const known = new Map(flows.map((flow) => [plain(flow.text), flow]))
  const read = new Map<string, EdgeOptions>()
  for (const [text, options] of Object.entries(edges)) {
    const flow = known.get(plain(text))
    if (!flow)
      throw invalid(
        `edges['${text}']`,
        'no flow is written so',
        `Repeat a flow exactly as in flows: ${flows.map((f) => f.text).join('; ')}`,
      )
    checkOptions(`edges['${text}']`, options, ['type', 'when', 'maxTurns', 'limit', 'perPass'])
    if (options.maxTurns !== undefined && flow.operator !== '<~>')
      throw invalid(
        text,
        'only A <~> B takes turns, and has maxTurns',
        'Write limit for how often an edge may be taken',
      )
    if (options.type !== undefined && flow.operator !== '->' && flow.operator !== '=>')
      throw invalid(text, 'a type belongs to one direction', 'Write two flows')
    read.set(plain(text), options)
  }
  return read
}

function addFlow(draft: TopologyDraft, flow: Flow, left: string, right: string, options: EdgeOptions = {}): void {
  const location = `the flow '${flow.text}'`
  const from = draft.use(left, location)
  const to = draft.use(right, location)
  const read = readEdgeOptions(location, options)
  const both = flow.operator === '<->' || flow.operator === '<~>'
  if (flow.operator === '=>' && read.type !== 'invoke' && read.type !== 'stream')
    throw invalid(location, 'only invoke and stream fan out', 'Write ->')
  const marks: Partial<CanonicalEdge> =
    flow.operator === '<~>' ? { alternating: true } : flow.operator === '=>' ? { fanOut: true } : {}
  draft.addEdge({ from, to, ...read, ...marks })
  if (both) draft.addEdge({ from: to, to: from, ...read, ...marks })
}
