/** Reads the canonical form back: the definitions are passed, those of patterns are made again from their roles. */
import type { Agent } from '../../agents/index.ts'
import { checkOptions, failure, listOf } from '../../core/index.ts'
import type { CanonicalEdge, CanonicalNode, CanonicalTopology } from '../core/canonical.ts'
import { readJoin, readPolicy } from '../core/read-join.ts'
import { Draft } from './draft.ts'
import type { CompiledTopology } from './forms.ts'
import { definition } from './read-objects.ts'
import { createRoleAgent } from './role-agents.ts'

const nodeFields = ['name', 'kind', 'agent', 'join', 'deadline', 'onFailure', 'limit', 'role']
const edgeFields = ['from', 'to', 'type', 'fanOut', 'alternating', 'maxTurns', 'limit', 'returns', 'when']

/** @throws ValidationError for a form of another version, or a definition that is missing */
export function readCanonical(form: CanonicalTopology, agents: ReadonlyMap<string, Agent>): CompiledTopology {
  checkOptions('topology', form, ['version', 'nodes', 'edges', 'config'])
  if (form.version !== 1)
    throw failure('validation.failed', {
      what: 'The topology',
      problem: `its version is ${String(form.version)}; this release reads 1`,
    })
  const draft = new Draft()
  for (const node of listOf('nodes', form.nodes)) addNode(draft, node, agents)
  for (const edge of listOf('edges', form.edges)) {
    checkOptions(`the edge ${edge.from} -> ${edge.to}`, edge, edgeFields)
    const place = `${edge.from} -> ${edge.to}`
    draft.addEdge({
      ...(edge satisfies CanonicalEdge),
      from: draft.use(edge.from, place),
      to: draft.use(edge.to, place),
    })
  }
  draft.config = form.config
  return draft.compiled()
}

function addNode(draft: Draft, node: CanonicalNode, agents: ReadonlyMap<string, Agent>): void {
  checkOptions(`the node ${node.name}`, node, nodeFields)
  if (node.join !== undefined) readJoin(`nodes.${node.name}.join`, node.join)
  if (node.onFailure !== undefined) readPolicy(`nodes.${node.name}.onFailure`, node.onFailure)
  if (node.kind === 'agent') {
    const name = node.agent ?? node.name
    const made = node.role && !agents.has(name) ? createRoleAgent(name, node.role) : definition(node.name, name, agents)
    draft.addAgent(made)
  }
  draft.addNode(node)
}
