/** Replaces the models of an agent and of all agents that it can call, so that a test calls no real model. */
import { type Agent, AgentPool, definitionOf } from '../agents/index.ts'
import { LlmAgent } from '../startup/index.ts'
import { MockModel } from './mock-model.ts'

/**
 * Returns a copy of the agent with scripts in place of models, its helpers and the agent that a pool lends included.
 * @param scriptOf returns the script of an agent; undefined if the agent stays as it is
 */
export function withScripts(agent: Agent, scriptOf: (agent: LlmAgent) => MockModel | undefined): Agent {
  if (agent instanceof AgentPool && agent.lends)
    return new AgentPool({ name: agent.name, size: agent.size, agent: withScripts(agent.lends, scriptOf) })
  if (!(agent instanceof LlmAgent)) return agent
  const model = scriptOf(agent)
  const { helpers } = definitionOf(agent)
  const agents = Object.fromEntries([...helpers].map(([key, helper]) => [key, withScripts(helper, scriptOf)]))
  return agent.with({ ...(model ? { model } : {}), ...(helpers.size > 0 ? { agents } : {}) })
}

/** Returns whether the agent has models of its own, all of which are scripts or work without a provider. */
export function isHarmless(agent: LlmAgent): boolean {
  const { chain } = definitionOf(agent)
  return chain.length > 0 && chain.every((model) => model instanceof MockModel || model === 'offline/extractive')
}
