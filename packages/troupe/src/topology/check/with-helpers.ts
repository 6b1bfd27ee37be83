/**
 * Returns an agent with all its helpers, recursively: a step of the agent can do what a helper can. A pool counts as
 * the agent that it lends.
 */
import { type Agent, AgentPool, BaseLlmAgent, definitionOf } from '../../agents/index.ts'
import type { CompiledTopology } from '../define-topology.ts'

export function withHelpers(agent: Agent, found: Set<Agent> = new Set()): ReadonlySet<Agent> {
  if (agent instanceof AgentPool && agent.lends) return withHelpers(agent.lends, found)
  if (found.has(agent)) return found
  found.add(agent)
  if (agent instanceof BaseLlmAgent)
    for (const helper of definitionOf(agent).helpers.values()) withHelpers(helper, found)
  return found
}

/** Returns all agents of a topology with their helpers. */
export function allAgents({ agents }: Pick<CompiledTopology, 'agents'>): ReadonlySet<Agent> {
  const found = new Set<Agent>()
  for (const agent of agents.values()) withHelpers(agent, found)
  return found
}
