/** The agents of a run with other prompts or another model, also helpers and the agents of pools. */
import { type Agent, AgentPool, BaseLlmAgent, definitionOf, type LlmAgentOptions } from '../../../agents/index.ts'
import { failure, invalidInput, listOf, readable } from '../../../core/index.ts'
import type { ModelSpec, Models } from '../../../models/index.ts'

type Agents = ReadonlyMap<string, Agent>
interface Edit {
  readonly prompts?: { readonly [agent: string]: string }
  readonly model?: LlmAgentOptions['model']
}

/**
 * @throws NotFoundError `agent.unknown` for the prompt of an agent that is not in the run; ValidationError for one of an agent
 * without a model
 */
export function editedAgents(agents: Agents, edit: Edit): Agents {
  const { prompts = {}, model } = edit
  if (model === undefined && Object.keys(prompts).length === 0) return agents
  const asking = namesOfAsking(agents)
  for (const name of Object.keys(prompts)) {
    if (asking.has(name)) continue
    if (!agents.has(name))
      throw failure('agent.unknown', { agent: name, known: [...asking].join(', ') || 'no LlmAgent' })
    throw invalidInput(`The prompt of ${name}`, `${name} is not an LlmAgent`)
  }
  return new Map([...agents].map(([name, agent]) => [name, edited(agent, edit)]))
}

/** @throws ValidationError for a model if no agent calls a model */
export function rejectIneffective(agents: Agents, { model }: Edit): void {
  if (model === undefined || namesOfAsking(agents).size > 0) return
  throw invalidInput('The model of a fork', 'the run has no LlmAgent that could ask it')
}

/** The models of one chain of fallbacks. */
const maxModels = 100

/** @throws ValidationError `model.unknown`, `model.not_installed` if no model of the chain can be called */
export function rejectUnknown({ model }: Edit, models: Pick<Models, 'obstacles'>): void {
  if (model === undefined) return
  const isChain = readable('The model', () => Array.isArray(model))
  const chain = isChain ? listOf('The models', model as readonly ModelSpec[], maxModels) : [model as ModelSpec]
  // The agents themselves reject a value that is not a model.
  if (!chain.every((spec) => typeof spec === 'string' || (typeof spec === 'object' && spec !== null))) return
  const asked = readable('The model', () => models.obstacles?.(chain) ?? [])
  const [first] = asked
  if (first?.obstacle && asked.every(({ obstacle }) => obstacle)) throw first.obstacle
}

/** @param called the name in the team, which a pool may define itself */
function edited(agent: Agent, edit: Edit, called = agent.name): Agent {
  if (agent instanceof AgentPool) return agent.changed((one) => edited(one, edit, called))
  if (!(agent instanceof BaseLlmAgent)) return agent
  const { prompts = {}, model } = edit
  const key = [called, agent.name].find((name) => Object.hasOwn(prompts, name))
  const helpers = [...definitionOf(agent).helpers].map(([name, helper]) => [name, edited(helper, edit)] as const)
  return agent.with({
    ...(key === undefined ? {} : { instructions: prompts[key] as string }),
    ...(model === undefined ? {} : { model }),
    ...(helpers.length > 0 ? { agents: Object.fromEntries(helpers) } : {}),
  })
}

/** Returns the names of agents that call a model, and of pools whose agents are not known before they are created. */
function namesOfAsking(agents: Agents): ReadonlySet<string> {
  const names = new Set<string>()
  const visit = (agent: Agent, called = agent.name): void => {
    if (agent instanceof AgentPool) {
      if (agent.lends === undefined) names.add(called)
      else visit(agent.lends, called)
    } else if (agent instanceof BaseLlmAgent) {
      names.add(called).add(agent.name)
      for (const helper of definitionOf(agent).helpers.values()) visit(helper)
    }
  }
  for (const agent of agents.values()) visit(agent)
  return names
}
