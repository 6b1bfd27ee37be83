/** Checks of agents, models and tools: limits, timeouts, retries and fallbacks. */
import { definitionOf } from '../../../agents/index.ts'
import type { TroupeConfig } from '../../../configuration/index.ts'
import { missingModelKeys } from '../../services/model-keys.ts'
import {
  agentsOf,
  counted,
  fail,
  isModelAgent,
  listNames,
  modelAgentsOf,
  pass,
  short,
  teamsOf,
  toolsOf,
  warn,
} from '../doctor-subject.ts'
import type { CheckFunctions } from './check-functions.ts'

/** With more tools an agent has more than one job, and models choose badly among them. */
const maxTools = 15
/** The length of instructions in characters above which an agent probably has more than one job. */
const maxInstructions = 12_000
/** Failures in one hundred calls. */
const maxFailureRate = 0.05

export const agentChecks = {
  'agents.single'(subject) {
    const agents = modelAgentsOf(subject)
    const broad = agents.flatMap((agent) => {
      const { tools: ownTools, helpers, instructions } = definitionOf(agent)
      const { name } = agent
      const tools = ownTools.size + helpers.size
      const length = typeof instructions === 'string' ? instructions.length : 0
      if (tools > maxTools) return [`${name} has ${tools} tools`]
      return length > maxInstructions ? [`${name} has instructions of ${length.toLocaleString('en')} characters`] : []
    })
    if (broad.length === 0)
      return pass(`${counted(agents.length, 'model agent')}, none with more than ${maxTools} tools.`)
    return warn(`${listNames(broad)}.`, 'Split the agent into several with one job each, or set toolSelection.')
  },

  'agents.inputs'(subject) {
    const functions = agentsOf(subject).filter((agent) => !isModelAgent(agent))
    const unchecked = functions.filter((agent) => !('inputSchema' in agent) || agent.inputSchema === undefined)
    if (unchecked.length === 0)
      return pass(
        `${counted(functions.length, 'function agent')} and ${counted(toolsOf(subject).length, 'tool')}, each with an input schema.`,
      )
    return short(
      subject,
      `Without an input schema: ${listNames(unchecked.map(({ name }) => name))}.`,
      'Give defineAgent an inputSchema, and a pool the option agent in place of create.',
    )
  },

  async 'models.keys'(subject) {
    const missing = await missingModelKeys(subject.parts.agents.services.external.models, agentsOf(subject))
    if (missing.length === 0) return pass('None is missing.')
    const seen = `${listNames(missing.map(({ error }) => error.message.replace(/\.$/, '')))}.`
    const remedy = 'Set this variable or secret, or use another model.'
    return missing.every(({ isReplaceable }) => isReplaceable) ? warn(seen, remedy) : fail(seen, remedy)
  },

  'models.fallback'(subject) {
    const { models = {}, policies = {} } = subject.config
    const agents = modelAgentsOf(subject)
    if (agents.length === 0) return pass('No agent of the configuration uses a model.')
    const chains = Object.values(models.registry ?? {})
    const isChain = (name: unknown) =>
      typeof name === 'string' &&
      Array.isArray(models.registry?.[name]) &&
      (models.registry[name] as readonly unknown[]).length > 1
    const alone = agents.filter((agent) => {
      const { chain } = definitionOf(agent)
      return chain.length < 2 && !isChain(chain[0] ?? 'default')
    })
    const values = Object.values(policies.tools ?? {}).filter((policy) => 'fallback' in policy).length
    const seen = `${agents.length - alone.length} of ${agents.length} agents have a fallback model; ${counted(chains.length, 'name')} in the registry, ${counted(values, 'value')} that replace results of failed tools.`
    if (alone.length === 0) return pass(seen)
    return warn(
      `${seen} Without one: ${listNames(alone.map(({ name }) => name))}.`,
      "Give a list of models, model: ['anthropic/…', 'openai/…'], or a chain in models.registry.",
    )
  },

  'calls.breakers'(subject) {
    const { services } = subject.parts.agents
    const { metrics } = subject.parts.observability
    const open = [...(services.external.models.breakers?.() ?? [])].flatMap(([model, state]) =>
      state === 'closed' ? [] : [`${model} is ${state}`],
    )
    if (open.length > 0)
      return warn(`${listNames(open)}.`, 'Find out why the model fails. It is called again after the pause.')
    const { failures = 5, pause = '60s' } = subject.config.models?.breaker ?? {}
    const outside = toolsOf(subject).filter(({ effect }) => effect !== 'durable')
    const bare = outside.filter(({ name }) => !policyPartsOf(subject.config, name).has('breaker'))
    const seen = `The circuit of a model opens for ${pause} after ${failures} failures; of ${metrics.summary('model.called').count} calls ${metrics.summary('model.called').failures} failed.`
    if (bare.length === 0) return pass(seen)
    return warn(
      `${seen} Without a breaker: ${listNames(bare.map(({ name }) => name))}.`,
      "Set policies.tools: { '*': { breaker: { failures: 5, pause: '60s' } } }.",
    )
  },

  'calls.retried'(subject) {
    const attempts = subject.config.models?.attempts ?? 3
    const repeatable = toolsOf(subject).filter(({ effect }) => effect === 'read' || effect === 'idempotent')
    const bare = repeatable.filter(({ name }) => !policyPartsOf(subject.config, name).has('retry'))
    if (attempts < 2)
      return warn(
        'Models are called once, so a temporary failure fails the step.',
        'Set models.attempts to 3, the default.',
      )
    const seen = `Calls of models have ${attempts} attempts with growing delays, and steps are resumed after a crash.`
    if (bare.length === 0) return pass(seen)
    return warn(
      `${seen} Retryable tools without a retry: ${listNames(bare.map(({ name }) => name))}.`,
      "Set policies.tools: { '*': { retry: { attempts: 3 } } }. It never repeats tools of class at-most-once.",
    )
  },

  'calls.timed'(subject) {
    const bare = toolsOf(subject).filter(
      ({ name, timeoutMs }) => timeoutMs === undefined && !policyPartsOf(subject.config, name).has('timeout'),
    )
    const teams = teamsOf(subject)
    const untimed = teams.filter(({ config }) => config?.timeouts?.tool === undefined)
    if (bare.length === 0 || (teams.length > 0 && untimed.length === 0))
      return pass('Every tool of the configuration has a timeout.')
    return warn(
      `Without a timeout: ${listNames(bare.map(({ name }) => name))}.`,
      "Give defineTool a timeout, set policies.tools: { '*': { timeout: '30s' } }, or timeouts.tool of the team.",
    )
  },

  'errors.handled'(subject) {
    const teams = teamsOf(subject)
    const silent = teams.filter(({ config }) => !config?.onError && !config?.retry && !config?.onFailure)
    if (silent.length === 0) return pass(`${counted(teams.length, 'team')}, all with onError.`)
    return warn(
      `Without onError, so that the first error fails the run: ${listNames(silent.map(({ name }) => name))}.`,
      "Set onError in the config of the team: { '*': { retry: { attempts: 2 } } }, a substitute agent, or 'ask'.",
    )
  },

  'rates.limited'(subject) {
    const { models = {}, policies = {} } = subject.config
    const perMinute = Object.entries(models.limits ?? {}).flatMap(([name, { perMinute }]) =>
      perMinute === undefined ? [] : [`${name}: ${perMinute} a minute`],
    )
    const environment = subject.host.rateLimited ? ['AGENT_RATE_LIMIT'] : []
    const groups = [policies.agents, policies.tools, policies.models].flatMap((group) => Object.entries(group ?? {}))
    const guarded = groups.flatMap(([name, policy]) => (policy.rateLimit ? [name] : []))
    const all = [...perMinute, ...environment, ...guarded]
    if (all.length > 0) return pass(`${listNames(all)}; the server has its own limit.`)
    return short(
      subject,
      'Calls of models have no rate limit.',
      "Set models.limits: { '*': { perMinute: 60 } }, or TROUPE_MODELS_PER_MINUTE=60.",
    )
  },

  'runs.budgeted'(subject) {
    const teams = teamsOf(subject)
    const asking = modelAgentsOf(subject).length > 0
    const open = teams.filter(
      ({ config }) => config?.budget?.cost === undefined && config?.budget?.tokens === undefined,
    )
    if (!asking || open.length === 0)
      return pass(`${counted(teams.length, 'team')}, none without a budget of cost or tokens.`)
    return warn(
      `Without a budget of cost or tokens: ${listNames(open.map(({ name }) => name))}.`,
      'Set budget: { cost: 5 } (US dollars) or { tokens: 500_000 } in the config of the team.',
    )
  },

  'answers.cached'(subject) {
    const { metrics } = subject.parts.observability
    const [hits, misses] = [metrics.summary('cache.hit').count, metrics.summary('cache.miss').count]
    const agents = modelAgentsOf(subject)
    const cached = agents.filter((agent) => definitionOf(agent).settings.cache === true)
    const { max = 1_000, ttl = '1h' } = subject.config.models?.cache ?? {}
    const seen = `${counted(cached.length, 'agent')} of ${agents.length} cache answers (${max} for ${ttl}); ${hits} hits and ${misses} misses since the troupe was opened.`
    if (agents.length === 0 || cached.length > 0 || hits > 0) return pass(seen)
    return warn(
      seen,
      'Set settings: { cache: true } for agents whose questions repeat, or use user.cached(…) for expensive calls.',
    )
  },

  'results.read'({ parts }) {
    const { metrics } = parts.observability
    const { count } = metrics.summary('tool.ignored')
    const seen = `${counted(count, 'failed result')} of ${metrics.summary('tool.called').count} calls were ignored since the troupe was opened.`
    if (count === 0) return pass(seen)
    return warn(seen, 'Check `success` and `error` of tool results: a failed call had no effect.')
  },

  'prompts.once'({ parts }) {
    const { metrics } = parts.observability
    const { count } = metrics.summary('prompt.repeated')
    const seen = `${counted(count, 'prompt')} contained data that tools read again, since the troupe was opened.`
    if (count === 0) return pass(seen)
    return warn(seen, 'Pass only stable keys to buildSystemPrompt, or deny get_context to the agent.')
  },
} satisfies Partial<CheckFunctions>

export const failing = (summary: { readonly count: number; readonly failures: number }): boolean =>
  summary.count >= 20 && summary.failures / summary.count > maxFailureRate

/** Returns the parts of a tool's policy: those of its name, or else those of all tools. */
function policyPartsOf({ policies }: TroupeConfig, tool: string): ReadonlySet<string> {
  const byName = policies?.tools ?? {}
  const policy = Object.hasOwn(byName, tool) ? byName[tool] : byName['*']
  return new Set(Object.entries(policy ?? {}).flatMap(([part, value]) => (value === undefined ? [] : [part])))
}
