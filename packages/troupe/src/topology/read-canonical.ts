/**
 * Reads the canonical form: the definitions of agents are passed, and the agents of patterns are created from their
 * roles.
 */
import type { Agent } from '../agents/index.ts'
import {
  checkFlag,
  checkName,
  checkOptionNames,
  checkOptions,
  checkText,
  invalidInput,
  isListOf,
  isText,
  listOf,
  show,
} from '../core/index.ts'
import type { CanonicalEdge, CanonicalNode, CanonicalTopology, PatternRole } from './canonical/canonical-topology.ts'
import { readFailurePolicy, readJoin } from './canonical/read-join.ts'
import { definition } from './read-objects.ts'
import { createRoleAgent } from './role-agent.ts'
import { edgeIn, invalid, nodeInError, readEdgeOptions, TopologyDraft } from './topology-draft.ts'
import type { CompiledTopology } from './topology-forms.ts'

const nodeFields = ['name', 'kind', 'agent', 'join', 'deadline', 'onFailure', 'limit', 'role'] as const
const edgeFields = [
  'from',
  'to',
  'type',
  'fanOut',
  'alternating',
  'maxTurns',
  'limit',
  'perPass',
  'leaves',
  'checkedAfter',
  'returns',
  'when',
] as const

/** Reads a canonical topology. @throws ValidationError for a form of another version, or a missing definition */
export function readCanonical(form: CanonicalTopology, agents: ReadonlyMap<string, Agent>): CompiledTopology {
  checkOptions('topology', form, ['version', 'nodes', 'edges', 'config'])
  if (form.version !== 1)
    throw invalidInput('The topology', `its version is ${show(form.version)}; this release reads 1`)
  const draft = new TopologyDraft()
  for (const node of listOf('nodes', form.nodes)) addNode(draft, node, agents)
  for (const edge of listOf('edges', form.edges)) {
    checkOptions('an edge', edge, edgeFields)
    const location = edgeIn(edge)
    for (const flag of ['fanOut', 'alternating', 'returns'] as const)
      if (edge[flag] !== undefined) checkFlag(`${location}: ${flag}`, edge[flag])
    for (const team of ['leaves', 'checkedAfter'] as const)
      if (edge[team] !== undefined) checkText(`${location}: ${team}`, edge[team])
    draft.addEdge({
      ...(edge satisfies CanonicalEdge),
      ...readEdgeOptions(location, edge),
      from: draft.use(edge.from, location),
      to: draft.use(edge.to, location),
    })
  }
  draft.config = form.config
  return draft.compiled()
}

const areTexts = (value: unknown) => isListOf(value, isText)
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 1
const fitsRole: { readonly [Kind in PatternRole['kind']]: Readonly<Record<string, (value: unknown) => boolean>> } = {
  router: {
    routes: (value) => typeof value === 'object' && value !== null && areTexts(Object.values(value)),
    by: (value) => isText(value) || (value as { readonly code?: unknown } | null | undefined)?.code === true,
  },
  split: { map: isText, reduce: isText, code: (value) => value === undefined || value === true },
  vote: { voters: areTexts, quorum: isCount },
  blackboard: { agents: areTexts, code: (value) => value === true },
  plan: { planner: isText, executor: isText },
  loop: { body: isText, check: isText, max: isCount },
}

function checkRole(name: string, role: PatternRole): void {
  const location = `nodes.${name}.role`
  const remedy = 'Write it as the toJSON() of a pattern does'
  const { kind } = (role ?? {}) as Partial<PatternRole>
  if (typeof kind !== 'string' || !Object.hasOwn(fitsRole, kind))
    throw invalid(location, `there is no role ${show(kind)}`, remedy)
  const parts = fitsRole[kind as PatternRole['kind']]
  checkOptionNames(location, role, ['kind', ...Object.keys(parts)])
  for (const [part, fits] of Object.entries(parts))
    if (!fits(role[part as keyof PatternRole])) throw invalid(`${location}.${part}`, 'it does not fit', remedy)
}

function addNode(draft: TopologyDraft, node: CanonicalNode, agents: ReadonlyMap<string, Agent>): void {
  checkOptions(nodeInError(node), node, nodeFields)
  checkName('agent', node.name)
  if (node.join !== undefined) readJoin(`nodes.${node.name}.join`, node.join)
  if (node.role !== undefined) checkRole(node.name, node.role)
  if (node.onFailure !== undefined) readFailurePolicy(`nodes.${node.name}.onFailure`, node.onFailure)
  const { name: location, deadline, limit } = node
  for (const [option, value] of Object.entries({ deadline, limit }))
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 1))
      throw invalid(location, `its ${option} is not a whole number of at least 1`, 'Read what toJSON() gave')
  if (node.kind === 'agent') {
    const name = node.agent ?? node.name
    const made = node.role && !agents.has(name) ? createRoleAgent(name, node.role) : definition(node.name, name, agents)
    draft.addAgent(made)
  }
  draft.addNode(node)
}
