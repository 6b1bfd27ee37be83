/** A topology under construction: nodes and edges are checked one by one, definitions are collected by name. */
import type { Agent } from '../agents/index.ts'
import { checkFlag, checkName, copyJson, failure, fieldOf, milliseconds, nearest, show } from '../core/index.ts'
import type {
  CanonicalEdge,
  CanonicalNode,
  CanonicalTopology,
  Condition,
  PatternRole,
} from './canonical/canonical-topology.ts'
import { carries } from './canonical/graph.ts'
import { readFailurePolicy, readJoin } from './canonical/read-join.ts'
import type { Finding } from './check/finding.ts'
import type { CompiledTopology, EdgeOptions, NodeOptions, TopologyForm } from './topology-forms.ts'

export const invalid = (location: string, problem: string, remedy: string) =>
  failure('topology.invalid', { location, problem, remedy })

const kindOf = { Start: 'start', End: 'end', User: 'user' } as const
type Reserved = keyof typeof kindOf
export const isReserved = (name: string): name is Reserved => Object.hasOwn(kindOf, name)

const types: readonly unknown[] = ['invoke', 'notify', 'query', 'stream']
/** The valid values of each part of a condition, with a description; absent if any value is valid. */
const conditions: { readonly [part: string]: readonly [fits: (value: unknown) => boolean, what: string] | undefined } =
  {
    path: [(value) => typeof value === 'string', 'a text'],
    equals: undefined,
    notEquals: undefined,
    in: [Array.isArray, 'a list'],
    exists: [(value) => typeof value === 'boolean', 'true or false'],
    greaterThan: [Number.isFinite, 'a number'],
    lessThan: [Number.isFinite, 'a number'],
  }

/**
 * Rejects a name in place of a definition, a likely mistake, because other frameworks have a registry of agents.
 * @throws ValidationError, also `name.invalid`
 */
export function checkDefinition(agent: unknown): asserts agent is Agent {
  if (typeof fieldOf(agent, 'step') === 'function') return void checkName('agent', fieldOf(agent, 'name'))
  const name = fieldOf(agent, 'name') ?? agent
  throw invalid(
    typeof name === 'string' ? name : 'an agent',
    typeof agent === 'string' ? 'it is a name, not an agent' : 'it is not an agent',
    'Pass the definition itself, made by defineAgent, new LlmAgent or new AgentPool',
  )
}

/** Returns the name of a node for errors, for any input; without a name, the input itself. */
export const nodeInError = (node: unknown): string => `the node ${show(fieldOf(node, 'name') ?? node)}`

export const flowRemedy = 'Write A -> B, A <-> B, A <~> B or A => {B, C}'
/** Matches the rest of an arrow that the string form does not have, such as `-->` or `<=>`, beside a name. */
const restOfArrow = /^[-<=~>]|[-<=~>]$/

/** Returns a hint for a name that no node has. */
function remedyFor(name: string, known: Iterable<string>): string {
  if (restOfArrow.test(name)) return flowRemedy
  const like = nearest(name, [...known, ...Object.keys(kindOf)])
  return like === undefined ? 'Add it to agents' : `Did you mean ${like}?`
}

/** Returns the name of an edge for errors. @throws ValidationError if its ends are not names */
export function edgeIn(edge: { readonly from: unknown; readonly to: unknown }): string {
  const { from, to } = edge
  if (typeof from === 'string' && typeof to === 'string') return `${from} -> ${to}`
  throw invalid('an edge', `it leads from ${show(from)} to ${show(to)}`, 'Name the nodes: { from: "A", to: "B" }')
}

export class TopologyDraft {
  readonly nodes = new Map<string, CanonicalNode>()
  readonly edges: CanonicalEdge[] = []
  /** The targets of the edges, by their source. */
  private readonly targets = new Map<string, Set<string>>()
  readonly agents = new Map<string, Agent>()
  /** Findings of a pattern for `check`. */
  readonly findings: Finding[] = []
  config: CanonicalTopology['config']

  /** @throws ValidationError for a name that is used or reserved */
  addNode(node: CanonicalNode): void {
    const { name } = node
    checkName('agent', name)
    if (this.nodes.has(name)) throw invalid(name, 'the name is used twice', 'Give every node a name of its own')
    const like = ['Start', 'End', 'User'].find((word) => word !== name && word.toLowerCase() === name.toLowerCase())
    if (like)
      throw invalid(
        name,
        `the name is too much like ${like}, which is reserved`,
        `Write ${like}, or choose another name`,
      )
    if (node.kind !== 'agent' && kindOf[name as Reserved] !== node.kind)
      throw invalid(name, `a node of kind ${show(node.kind)} has its name reserved`, 'Name it Start, End or User')
    if (node.kind === 'agent' && isReserved(name)) throw invalid(name, 'the name is reserved', 'Choose another name')
    this.nodes.set(name, node)
  }

  /** Adds the definition of an agent; each name has one definition. */
  addAgent(agent: Agent): void {
    checkDefinition(agent)
    const known = this.agents.get(agent.name)
    if (known && known !== agent) throw invalid(agent.name, 'two different agents have this name', 'Rename one of them')
    this.agents.set(agent.name, agent)
  }

  addAgentNode(name: string, agent: Agent, options: NodeOptions = {}, role?: PatternRole): void {
    this.addAgent(agent)
    this.addNode({
      name,
      kind: 'agent',
      agent: agent.name,
      ...readNodeOptions(name, options),
      ...(role ? { role } : {}),
    })
  }

  /** Returns a declared name; a reserved node is created at its first use. */
  use(name: string, location: string): string {
    if (this.nodes.has(name)) return name
    if (isReserved(name)) {
      this.addNode({ name, kind: kindOf[name] })
      return name
    }
    // A list that changes while it is read gives an agent without a name.
    const shown = typeof name === 'string' ? name : show(name)
    throw invalid(location, `there is no agent ${shown}`, remedyFor(shown, this.nodes.keys()))
  }

  addEdge(edge: CanonicalEdge): void {
    const location = `${edge.from} -> ${edge.to}`
    if (edge.to === 'Start') throw invalid(location, 'nothing leads to Start', 'Lead to the agent itself')
    if (edge.from === 'End') throw invalid(location, 'nothing leads on from End', 'Begin at an agent')
    if (edge.from === edge.to && edge.from === 'User')
      throw invalid(location, 'User does not lead to itself', 'Remove the edge')
    if (edge.from === 'Start' && edge.to === 'End') throw invalid(location, 'no agent would run', 'Begin at an agent')
    this.checkReserved(edge, location)
    if (this.hasEdge(edge.from, edge.to))
      throw invalid(
        location,
        `the edge is there twice, or ${edge.to} is twice in a pattern`,
        'Write the edge once (`<->` already means both ways), and name an agent once, or define a second one with another name',
      )
    this.edges.push(edge)
    const targets = this.targets.get(edge.from) ?? new Set()
    this.targets.set(edge.from, targets.add(edge.to))
  }

  hasEdge(from: string, to: string): boolean {
    return this.targets.get(from)?.has(to) === true
  }

  /** Removes all edges and returns them. */
  takeEdges(): readonly CanonicalEdge[] {
    this.targets.clear()
    return this.edges.splice(0)
  }

  /** Rejects options that have no meaning at Start, End and User. */
  private checkReserved(edge: CanonicalEdge, location: string): void {
    const { when, limit, alternating, type } = edge
    if (isReserved(edge.from) && (when !== undefined || limit !== undefined || type !== 'invoke'))
      throw invalid(location, 'only agents choose between ways', 'Write a plain flow')
    if (isReserved(edge.to) && type !== 'invoke')
      throw invalid(location, `${edge.to} cannot be reached by ${type}`, 'Write a plain flow')
    if (alternating && (isReserved(edge.from) || isReserved(edge.to)))
      throw invalid(location, 'only agents take turns', 'Write -> or <->')
  }

  /** Adds missing edges: without Start the first agent starts; without End the agents without outgoing edges end. */
  complete(): void {
    const [first] = [...this.nodes.values()].filter((node) => node.kind === 'agent')
    if (!first) throw invalid('the topology', 'it has no agents', 'Add one')
    if (!this.edges.some((edge) => edge.from === 'Start'))
      this.addEdge({ from: this.use('Start', ''), to: first.name, type: 'invoke' })
    if (this.edges.some((edge) => edge.to === 'End')) return
    const sourceNodes = new Set(this.edges.filter(carries).map((e) => e.from))
    const last = [...this.nodes.values()].filter((node) => node.kind === 'agent' && !sourceNodes.has(node.name))
    for (const { name } of last) this.addEdge({ from: name, to: this.use('End', ''), type: 'invoke' })
  }

  /** Returns the compiled topology; the caller determines the output type from its agents. */
  compiled<Out>(): CompiledTopology<Out> {
    this.complete()
    const { config } = this
    const canonical: CanonicalTopology = {
      version: 1,
      ...inOrder(this.nodes, this.edges),
      ...(config === undefined ? {} : { config }),
    }
    return new Compiled(canonical, this.agents, this.findings)
  }
}

/** A topology that this module compiled. Any other object with the same shape is read and checked as a form. */
class Compiled implements CompiledTopology {
  readonly canonical: CanonicalTopology
  readonly agents: ReadonlyMap<string, Agent>
  readonly #isCompiled = true

  readonly findings: readonly Finding[]

  constructor(canonical: CanonicalTopology, agents: ReadonlyMap<string, Agent>, findings: readonly Finding[]) {
    this.canonical = canonical
    this.agents = agents
    this.findings = findings
    Object.freeze(this)
  }

  static is(form: object): form is Compiled {
    return #isCompiled in form && form.#isCompiled
  }

  toJSON(): CanonicalTopology {
    return this.canonical
  }
}
export const isCompiled = (form: TopologyForm): form is CompiledTopology => Compiled.is(form)

const rankOf = { start: 0, agent: 1, user: 2, end: 3 } as const

/**
 * Sorts nodes and edges, so that equal teams have equal forms. Agents stay in their declared order, between Start and
 * End. Edges are sorted by their source node, and those of one node stay in their written order.
 */
function inOrder(
  all: ReadonlyMap<string, CanonicalNode>,
  edges: readonly CanonicalEdge[],
): Pick<CanonicalTopology, 'nodes' | 'edges'> {
  const nodes = [...all.values()].sort((a, b) => rankOf[a.kind] - rankOf[b.kind])
  const nodeOrder = new Map(nodes.map(({ name }, i) => [name, i]))
  const orderOf = ({ from }: CanonicalEdge) => nodeOrder.get(from) ?? 0
  return { nodes, edges: [...edges].sort((a, b) => orderOf(a) - orderOf(b)) }
}

export function readNodeOptions(
  name: string,
  { join, deadline, onFailure, limit }: NodeOptions,
): Partial<CanonicalNode> {
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 1))
    throw invalid(name, 'its limit is not a whole number of at least 1', 'Say how many of its steps may run at once')
  return {
    ...(join === undefined ? {} : { join: readJoin(`nodes.${name}.join`, join) }),
    ...(deadline === undefined ? {} : { deadline: readDeadline(name, deadline) }),
    ...(onFailure === undefined ? {} : { onFailure: readFailurePolicy(`nodes.${name}.onFailure`, onFailure) }),
    ...(limit === undefined ? {} : { limit }),
  }
}

function readDeadline(name: string, deadline: string): number {
  const ms = milliseconds(deadline, `nodes.${name}.deadline`)
  if (ms === 0) throw invalid(`nodes.${name}.deadline`, 'it must be longer than 0', 'Make it longer.')
  return ms
}

export function readEdgeOptions(
  location: string,
  { type = 'invoke', when, maxTurns, limit, perPass }: EdgeOptions,
): Omit<CanonicalEdge, 'from' | 'to'> {
  if (!types.includes(type))
    throw invalid(location, `there is no type ${show(type)}`, 'It is invoke, notify, query or stream')
  for (const [option, value] of Object.entries({ maxTurns, limit }))
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 1))
      throw invalid(location, `${option} is not a whole number of at least 1`, 'Correct it')
  const isPerPass = perPass !== undefined && checkFlag(`${location}: perPass`, perPass)
  if (isPerPass && limit === undefined) throw invalid(location, 'perPass belongs to a limit', 'Set limit, or remove it')
  return {
    type,
    ...(when === undefined ? {} : { when: readCondition(location, when) }),
    ...(maxTurns === undefined ? {} : { maxTurns }),
    ...(limit === undefined ? {} : { limit }),
    ...(isPerPass ? { perPass: true as const } : {}),
  }
}

function readCondition(location: string, when: Condition): Condition {
  const problem = (what: string) =>
    invalid(location, what, 'A condition is an object such as { path: "kind", equals: "bug" }')
  if (when === null || typeof when !== 'object' || Array.isArray(when)) throw problem('its condition is not an object')
  const tests = Object.entries(when).filter(([, value]) => value !== undefined)
  for (const [part, value] of tests) {
    if (!Object.hasOwn(conditions, part)) throw problem(`its condition has no part ${part}`)
    const [fits, what] = conditions[part] ?? []
    if (fits?.(value) === false) throw problem(`${part} of its condition is not ${what}`)
  }
  if (!tests.some(([part]) => part !== 'path')) throw problem('its condition says nothing about the value')
  return copyJson(when, `The condition of ${location}`) as Condition
}
