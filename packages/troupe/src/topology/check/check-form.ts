/**
 * Checks whether the form of a team suits models: advice based on arXiv 2512.08296 (Towards a Science of Scaling Agent
 * Systems). In that study, teams were worse at tasks with interdependent steps, and errors grew if no agent checked the
 * work of others.
 */
import { BaseLlmAgent, definitionOf } from '../../agents/index.ts'
import { canonicalJson, type Json } from '../../core/index.ts'
import type { CanonicalNode } from '../canonical/canonical-topology.ts'
import { carries } from '../canonical/graph.ts'
import type { CompiledTopology } from '../define-topology.ts'
import type { Finding } from './finding.ts'

const source = 'arXiv 2512.08296'

/** @returns advice only, and only about models: the targets of function agents are chosen by code */
export function checkForm(topology: CompiledTopology): Finding[] {
  const models = modelsOf(topology)
  return [...ambiguousHubs(topology, models), ...oneAgentWouldDo(topology, models), ...unverified(topology, models)]
}

type ModelNodes = ReadonlyMap<string, BaseLlmAgent>

function modelsOf({ canonical, agents }: CompiledTopology): ModelNodes {
  return new Map(
    canonical.nodes.flatMap((node) => {
      const agent = agents.get(node.agent ?? node.name)
      return agent instanceof BaseLlmAgent ? [[node.name, agent] as const] : []
    }),
  )
}

/**
 * An edge whose target leads back is an invocation, which does not end the hub's turn; the other edges are
 * alternatives.
 */
function ambiguousHubs({ canonical }: CompiledTopology, models: ModelNodes): Finding[] {
  const edges = canonical.edges.filter(carries)
  return [...models.keys()].flatMap((name) => {
    const onward = edges.filter(({ from, fanOut, alternating }) => from === name && !fanOut && !alternating)
    const final = onward.filter(({ to }) => !edges.some((back) => back.from === to && back.to === name))
    if (final.length < 2 || final.some(({ when }) => when !== undefined)) return []
    const targets = final.map(({ to }) => to).join(', ')
    return {
      code: 'hub.ambiguous',
      severity: 'advice',
      location: name,
      message: `${name} can invoke ${targets}, and none of them returns: a text of its model selects no target, so the model is called again`,
      remedy: `Leave ${name} only one such edge, add conditions to its edges, or name the tool to call in its instructions`,
    }
  })
}

/** Finds a sequence of models with equal capabilities. */
function oneAgentWouldDo({ canonical }: CompiledTopology, models: ModelNodes): Finding[] {
  const working = canonical.nodes.filter(({ kind }) => kind === 'agent')
  if (working.length < 2 || working.length !== models.size) return []
  const isLine = canonical.nodes.every(
    ({ name, kind }) => kind !== 'user' && canonical.edges.filter(({ from }) => from === name).length <= 1,
  )
  const kinds = new Set([...models.values()].map(rightsOf))
  if (!isLine || kinds.size !== 1 || kinds.has(undefined)) return []
  const names = working.map(({ name }) => name).join(', ')
  return [
    {
      code: 'team.one_agent',
      severity: 'advice',
      location: names,
      message: `${names} work one after the other with the same model and rights, and without tools: one agent may be enough at a lower cost (${source})`,
      remedy: 'Compare the team with one agent that has all the instructions: `troupe runs evaluate --with-team`',
    },
  ]
}

/**
 * Returns a comparable text of the agent's model and rights; undefined if the agent has tools or other specific
 * features.
 */
function rightsOf(agent: BaseLlmAgent): string | undefined {
  const { chain, tools, sources, helpers, output, access, skills, untrusted } = definitionOf(agent)
  if (tools.size + sources.length + helpers.size > 0 || skills?.length || output || untrusted === 'hide')
    return undefined
  const names = chain.map((spec) => (typeof spec === 'string' ? spec : undefined))
  return names.includes(undefined) ? undefined : canonicalJson([names, { ...access }] as Json)
}

const verifying = /verif|review|check|critic|judge|approv|proofread|validat|audit/i

function unverified({ canonical, agents }: CompiledTopology, models: ModelNodes): Finding[] {
  if (models.size < 2) return []
  const { nodes, edges } = canonical
  if (nodes.some(({ kind, role }) => kind === 'user' || role?.kind === 'loop' || role?.kind === 'vote')) return []
  const isVerifier = ({ name, kind, agent = name }: CanonicalNode): boolean => {
    const model = models.get(name)
    if (model) {
      const { description = '', instructions } = definitionOf(model)
      return verifying.test(`${name} ${description} ${String(instructions)}`)
    }
    return kind === 'agent' && agents.has(agent) && edges.some(({ from, to }) => from === name && to === 'End')
  }
  if (nodes.some(isVerifier)) return []
  return [
    {
      code: 'team.unverified',
      severity: 'advice',
      location: 'End',
      message: `No agent verifies the answer of the ${models.size} models before End, so errors of one model reach the answer (${source})`,
      remedy: 'Add an agent before End that checks the answer, such as patterns.loop({ body, check })',
    },
  ]
}
