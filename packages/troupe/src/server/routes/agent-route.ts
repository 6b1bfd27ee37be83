/** The route of one registered agent: its model, its tools and its rights, as its definition names them. */
import { z } from 'zod'
import { type Agent, AgentPool, BaseLlmAgent, definitionOf } from '../../agents/index.ts'
import type { Json } from '../../core/index.ts'
import { modelNameOf } from '../../models/index.ts'
import { resolveTeam } from '../../runs/index.ts'
import { builtInToolNames, type CompiledRule } from '../../security/index.ts'
import { approvalNeed } from '../../tools/index.ts'
import { answers } from '../route.ts'
import { json, list, requestText, withoutUndefined } from '../schemas/request-schemas.ts'

const names = list(z.string())

export const approvalSchema = z
  .enum(['never', 'always', 'sometimes'])
  .describe('`sometimes`: code decides from the input, or a policy rule has a condition.')

const agentSchema = z.object({
  name: z.string(),
  description: z.string().optional(),
  kind: z.enum(['model', 'function']).describe('Whether a model or code executes the steps of the agent.'),
  models: names.describe('The model, then its fallbacks; empty if the environment names the model.'),
  instructions: z.string().optional().describe('Absent if code writes the instructions in each step.'),
  tools: list(
    z.object({
      name: z.string(),
      description: z.string(),
      effect: z.string(),
      approval: approvalSchema,
      builtIn: z.boolean().describe('Whether `builtInTools` defines the tool.'),
    }),
  ),
  toolSources: names.describe('Sources whose tools are read in each step.'),
  helpers: names.describe('Agents that the model can call like tools.'),
  role: z.string().optional(),
  allow: names.optional(),
  deny: names.optional(),
  memory: z
    .object({ maxTokens: z.number().optional(), compactsAt: z.number().optional(), consolidates: z.boolean() })
    .optional(),
  options: z
    .record(z.string(), json)
    .optional()
    .describe('Further options of the definition of a model agent, as far as they are data.'),
  code: names.describe('The options that hold code or addresses, which the answer does not show.'),
  pool: z
    .object({
      size: z.number().describe('The highest number of instances.'),
      created: z.number().describe('The number of instances that exist or are being created.'),
      inUse: z.number(),
      idle: z.number(),
      waiting: z.number().describe('The number of callers that wait for an instance.'),
      acquired: z.number().describe('The number of calls that got an instance since the pool was created.'),
      timeouts: z.number().describe('The number of calls whose wait ended with pool.timeout.'),
      disposed: z.number(),
    })
    .optional()
    .describe('Present for a pool: its counts in the process that answers.'),
  fingerprint: z.string(),
})

type Definition = ReturnType<typeof definitionOf>

/** Returns the options that differ from their defaults, without the functions in them. */
function optionsOf({ memory, settings, policy, untrusted, toolSelection, handOff }: Definition) {
  const options = {
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
    ...(Object.keys(settings).length > 0 ? { settings } : {}),
    ...(policy.length > 0 ? { policy } : {}),
    ...(untrusted === 'read' ? {} : { untrusted }),
    ...(toolSelection === 'all' ? {} : { toolSelection }),
    ...(handOff.history === 'none' ? {} : { handOff }),
  }
  return JSON.parse(JSON.stringify(options)) as { readonly [option: string]: Json }
}

const codeOf = ({ chain, memory, output, toolSelection, guardrails, skills }: Definition): readonly string[] => [
  ...(chain.some((model) => typeof model !== 'string') ? ['model'] : []),
  ...(typeof memory.compaction?.by === 'function' ? ['memory.compaction.by'] : []),
  ...(output ? ['output'] : []),
  ...(typeof toolSelection === 'function' ? ['toolSelection'] : []),
  ...(guardrails.input.length + guardrails.output.length > 0 ? ['guardrails'] : []),
  ...(skills ? ['skills'] : []),
]

function describeModelAgent(agent: BaseLlmAgent, troupe: readonly CompiledRule[]) {
  const definition = definitionOf(agent)
  const { chain, instructions, tools, sources, helpers, memory } = definition
  return {
    kind: 'model' as const,
    models: chain.map(modelNameOf),
    ...(typeof instructions === 'string' ? { instructions } : {}),
    tools: [...tools.values()].map((tool) => ({
      name: tool.name,
      description: tool.description,
      effect: tool.effect,
      approval: approvalNeed(tool, [troupe, definition.rules]),
      builtIn: (builtInToolNames as readonly string[]).includes(tool.name),
    })),
    toolSources: sources.map(({ name }) => name),
    helpers: [...helpers.keys()],
    memory: {
      ...withoutUndefined({ maxTokens: memory.maxTokens, compactsAt: memory.compaction?.at }),
      consolidates: Boolean(memory.consolidate),
    },
    options: optionsOf(definition),
    code: codeOf(definition),
  }
}

function describeAgent(agent: Agent, troupe: readonly CompiledRule[]): z.infer<typeof agentSchema> {
  const { name, description, access, fingerprint } = agent
  const { role, allow, deny } = access
  const pool = agent instanceof AgentPool ? agent : undefined
  const executing = pool?.lends ?? agent
  const details =
    executing instanceof BaseLlmAgent
      ? describeModelAgent(executing, troupe)
      : { kind: 'function' as const, models: [], tools: [], toolSources: [], helpers: [], code: [] }
  return {
    name,
    ...details,
    ...withoutUndefined({ description: description || undefined, role, pool: pool?.stats() }),
    ...(allow === undefined ? {} : { allow: [...allow] }),
    ...(deny === undefined ? {} : { deny: [...deny] }),
    fingerprint,
  }
}

export const agentRoute = answers({
  route: 'GET /v1/agents/:agent',
  name: 'agents.get',
  needsNoUser: true,
  operation: 'agents.list',
  role: 'moderator',
  summary:
    'Show the definition of an agent that is registered or that a registered team has: model, instructions, tools, rights.',
  params: z.object({ agent: requestText.name }),
  answer: agentSchema,
  handle: async ({ parts: { settings, runs }, params: { agent: name } }) => {
    const team = [...settings.teams.values()].find(({ agents }) => agents.has(name))
    const registered = settings.agents.has(name) || !team ? resolveTeam(settings, { agent: name }, 'The request') : team
    const agent = registered.agents.get(name) as Agent
    return describeAgent(agent, runs.orchestra.parts.agents.services.guard.rules)
  },
})
