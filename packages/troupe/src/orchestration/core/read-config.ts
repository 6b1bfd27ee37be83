/** Reads what a run is told: refuses what it does not know or cannot keep, fills in what is not said. */
import { checkOptions, encodeJson, failure, type Json, milliseconds } from '../../core/index.ts'
import type { CanonicalTopology, FailurePolicy, Join } from './canonical.ts'
import type { Budgets, ErrorRule, Guards, PinnedConfig, RetryRule, Timeouts } from './config.ts'
import { readJoin, readPolicy } from './read-join.ts'

type Retry = { readonly attempts: number; readonly backoff?: string }
export type ErrorHandling =
  | { readonly retry: Retry | number }
  | { readonly agent: string | { readonly name: string }; readonly retry?: Retry | number }
  | { readonly value: unknown; readonly retry?: Retry | number }
  | 'ask'
  | 'fail'

/** Durations are written with their unit: `'30s'`. */
export interface RunConfig {
  /** Over the whole run; `cost` in US dollars. */
  readonly budget?: {
    readonly steps?: number
    readonly depth?: number
    readonly hops?: number
    readonly tokens?: number
    readonly cost?: number
    readonly time?: string
  }
  readonly timeouts?: { readonly [kind in keyof Timeouts]?: string }
  readonly join?: Join
  readonly deadline?: string
  readonly onFailure?: FailurePolicy
  /** By error code, class name, or `*`. */
  readonly onError?: { readonly [kind: string]: ErrorHandling }
  /** Of the whole run. */
  readonly retry?: Retry
  readonly guards?: {
    readonly repetition?: { readonly nudge?: number; readonly stop?: number } | false
    readonly pingPong?: { readonly hops?: number } | false
    readonly noProgress?: { readonly steps?: number } | false
  }
  readonly allowParallel?: boolean
  readonly maxParallelBranches?: number
  /** What `run.live()` shows: a quiet run no text, a verbose one thoughts too. */
  readonly verbosity?: 'quiet' | 'normal' | 'verbose'
  /** Reasoning of models in `run.live()`; true where verbose. */
  readonly showAgentThoughts?: boolean
  /** `tool-call` and `tool-result` in `run.live()`; true but where quiet. */
  readonly showToolCalls?: boolean
  /** Each event of the run goes to the log too, at level info, without its payload. */
  readonly trace?: boolean
}

const options = [
  'budget',
  'timeouts',
  'join',
  'deadline',
  'onFailure',
  'onError',
  'retry',
  'guards',
  'allowParallel',
  'maxParallelBranches',
  'verbosity',
  'showAgentThoughts',
  'showToolCalls',
  'trace',
]
const timeoutKinds = ['run', 'branch', 'step', 'tool', 'model', 'acquisition', 'convergence', 'human'] as const

/** Nothing runs for ever because nobody thought of it; joins go on after a minute with what has arrived. */
const defaults = { steps: 100_000, depth: 100, hops: 100_000, convergence: 60_000, parallel: 10 }
const deepest = 1_000

const refuse = (what: string, problem: string) => failure('validation.failed', { what, problem })

function whole(what: string, value: unknown, least = 1): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least)
    throw refuse(what, `it must be a whole number of at least ${least}`)
  return value
}

function amount(what: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw refuse(what, 'it must be a number of at least 0')
  return value
}

/** undefined counts as not said. */
const given = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T

function readBudget(budget: NonNullable<RunConfig['budget']>): Budgets {
  checkOptions('config.budget', budget, ['steps', 'depth', 'hops', 'tokens', 'cost', 'time'])
  const depth = whole('config.budget.depth', budget.depth ?? defaults.depth)
  if (depth > deepest) throw refuse('config.budget.depth', `at most ${deepest} levels are possible`)
  return {
    steps: whole('config.budget.steps', budget.steps ?? defaults.steps),
    depth,
    hops: whole('config.budget.hops', budget.hops ?? defaults.hops),
    ...(budget.tokens === undefined ? {} : { tokens: amount('config.budget.tokens', budget.tokens) }),
    ...(budget.cost === undefined ? {} : { cost: amount('config.budget.cost', budget.cost) }),
    ...(budget.time === undefined ? {} : { time: milliseconds(budget.time, 'config.budget.time') }),
  }
}

function readTimeouts(timeouts: NonNullable<RunConfig['timeouts']>): Timeouts {
  checkOptions('config.timeouts', timeouts, timeoutKinds)
  const read: Record<string, number> = { convergence: defaults.convergence }
  for (const kind of timeoutKinds)
    if (timeouts[kind] !== undefined) read[kind] = milliseconds(timeouts[kind], `config.timeouts.${kind}`)
  return read
}

function readRetry(where: string, retry: Retry | number): RetryRule {
  if (typeof retry === 'number') return { attempts: whole(where, retry), backoff: 1_000 }
  checkOptions(where, retry, ['attempts', 'backoff'])
  return {
    attempts: whole(`${where}.attempts`, retry.attempts),
    backoff: retry.backoff === undefined ? 1_000 : milliseconds(retry.backoff, `${where}.backoff`),
  }
}

function readRule(kind: string, rule: ErrorHandling, topology: CanonicalTopology | undefined): ErrorRule {
  const where = `config.onError.${kind}`
  if (rule === 'fail') return {}
  if (rule === 'ask') return { ask: true }
  if (rule === null || typeof rule !== 'object')
    throw refuse(where, "it must be { retry }, { agent }, { value }, 'ask' or 'fail'")
  checkOptions(where, rule, ['retry', 'agent', 'value'])
  const { retry, agent, value } = rule as { retry?: Retry | number; agent?: string | { name: string }; value?: unknown }
  if (retry === undefined && agent === undefined && value === undefined)
    throw refuse(where, 'it says nothing of what to do')
  if (agent !== undefined && value !== undefined) throw refuse(where, 'an agent and a value exclude each other')
  return {
    ...(retry === undefined ? {} : { retry: readRetry(`${where}.retry`, retry) }),
    ...(agent === undefined ? {} : { agent: known(where, typeof agent === 'string' ? agent : agent.name, topology) }),
    ...(value === undefined ? {} : { value: JSON.parse(encodeJson(value, where)) as Json }),
  }
}

function known(where: string, agent: string, topology: CanonicalTopology | undefined): string {
  const agents = topology?.nodes.filter((node) => node.kind === 'agent')
  if (agents && !agents.some((node) => node.name === agent || node.agent === agent))
    throw refuse(where, `the topology has no agent ${agent}; it has ${agents.map((node) => node.name).join(', ')}`)
  return agent
}

function readGuards(guards: NonNullable<RunConfig['guards']>): Guards {
  checkOptions('config.guards', guards, ['repetition', 'pingPong', 'noProgress'])
  const { repetition = {}, pingPong = {}, noProgress = {} } = guards
  if (repetition) checkOptions('config.guards.repetition', repetition, ['nudge', 'stop'])
  if (pingPong) checkOptions('config.guards.pingPong', pingPong, ['hops'])
  if (noProgress) checkOptions('config.guards.noProgress', noProgress, ['steps'])
  return {
    repetition: repetition && {
      nudge: whole('config.guards.repetition.nudge', repetition.nudge ?? 3),
      stop: whole('config.guards.repetition.stop', repetition.stop ?? 5),
    },
    pingPong: pingPong && { hops: whole('config.guards.pingPong.hops', pingPong.hops ?? 20, 2) },
    noProgress: noProgress && { steps: whole('config.guards.noProgress.steps', noProgress.steps ?? 50) },
  }
}

const flag = (what: string, value: unknown): boolean => {
  if (typeof value !== 'boolean') throw refuse(what, 'it must be true or false')
  return value
}

/**
 * @param topology whose own config (of a pattern) counts where the run says nothing, and whose agents `onError` may name
 * @throws ValidationError for an option that is not known, and for a value out of its bounds
 */
export function readConfig(config: RunConfig = {}, topology?: CanonicalTopology): PinnedConfig {
  const said: RunConfig = { ...given((topology?.config ?? {}) as RunConfig), ...given(config) }
  checkOptions('config', said, options)
  const { verbosity = 'normal', maxParallelBranches = defaults.parallel } = said
  if (!['quiet', 'normal', 'verbose'].includes(verbosity))
    throw refuse('config.verbosity', 'it must be quiet, normal or verbose')
  const most = whole('config.maxParallelBranches', maxParallelBranches)
  const onError = Object.entries(said.onError ?? {}).map(
    ([kind, rule]) => [kind, readRule(kind, rule, topology)] as const,
  )
  return {
    budget: readBudget(given(said.budget ?? {})),
    timeouts: readTimeouts(given(said.timeouts ?? {})),
    join: readJoin('config.join', said.join ?? 'all'),
    onFailure: readPolicy('config.onFailure', said.onFailure ?? 'failFast'),
    onError: Object.fromEntries(onError),
    guards: readGuards(given(said.guards ?? {})),
    maxParallelBranches: flag('config.allowParallel', said.allowParallel ?? true) ? most : 1,
    verbosity,
    showAgentThoughts: flag('config.showAgentThoughts', said.showAgentThoughts ?? verbosity === 'verbose'),
    showToolCalls: flag('config.showToolCalls', said.showToolCalls ?? verbosity !== 'quiet'),
    trace: flag('config.trace', said.trace ?? false),
    ...(said.deadline === undefined ? {} : { deadline: milliseconds(said.deadline, 'config.deadline') }),
    ...(said.retry === undefined ? {} : { retry: readRetry('config.retry', said.retry) }),
  }
}
