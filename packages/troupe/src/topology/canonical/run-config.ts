/** Reads what a run is told: refuses what it does not know or cannot keep, fills in what is not said. */
import {
  checkName,
  checkOptions,
  type Duration,
  encodeJson,
  failure,
  isList,
  type Json,
  listOf,
  milliseconds,
  nearest,
  objectOf,
  readable,
} from '../../core/index.ts'
import type { PolicyRule } from '../../security/index.ts'
import type { CanonicalTopology, FailurePolicy, Join } from './canonical-topology.ts'
import type { BreakOn, ErrorRule, Guards, PinnedConfig, PinnedPolicy, RetryRule, Timeouts } from './pinned-config.ts'
import { readFailurePolicy, readJoin } from './read-join.ts'
import { type BudgetOptions, budgetWithin, type RunLimits, readRunLimits } from './run-limits.ts'

type Retry = { readonly attempts: number; readonly backoff?: Duration }
/** First it is tried again, then an agent stands in, then a person is asked, or a value takes its place. */
export type ErrorHandling =
  | { readonly retry: Retry | number; readonly ask?: boolean }
  | { readonly agent: string | { readonly name: string }; readonly retry?: Retry | number; readonly ask?: boolean }
  | { readonly value: unknown; readonly retry?: Retry | number }
  | { readonly ask: true }
  | 'ask'
  | 'fail'

/** Durations are written with their unit: `'30s'`. */
export interface RunConfig {
  /**
   * Bounds over the whole run and the runs that its steps start; a run that reaches one ends with `result.guard`. Those of
   * a team and of `createTroupe({ limits })` are ceilings: a run that asks for more is rejected with `budget.ceiling`.
   */
  readonly budget?: BudgetOptions
  /**
   * `run`, `branch`, `step`, `tool`, `model`, `acquisition` (of a place at a limited node) and `human` (of an answer): none by
   * default. `grace`: for how long a step whose code ignores its signal holds the run after it was told to stop; 10 s by default.
   */
  readonly timeouts?: { readonly [kind in keyof Timeouts]?: Duration }
  readonly join?: Join
  /** How long a join waits for missing branches; no deadline by default. A node's own deadline wins. */
  readonly deadline?: Duration
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
  /**
   * What becomes of calls of tools in the run and in those that its steps start. It can only narrow what the troupe allows;
   * the rules of a team and of a caller count both.
   */
  readonly policy?: readonly PolicyRule[]
  /** Where the run stops and waits: see `run.inspect()`, `edit()`, `step()` and `resume()`. */
  readonly debug?: { readonly breakOn: BreakpointSpec | readonly BreakpointSpec[] }
}

/** When a step fails; before a step of an agent; before a call of a tool; when the journal has come to an event. */
export type BreakpointSpec = 'error' | { readonly agent: string } | { readonly tool: string } | { readonly seq: number }

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
  'policy',
  'debug',
]
const timeoutKinds = ['run', 'branch', 'step', 'tool', 'model', 'acquisition', 'human', 'grace'] as const

/** Bounds that hold where the config names none. */
const defaultParallelBranches = 10

const rejection = (what: string, problem: string) => failure('validation.failed', { what, problem })

function integer(what: string, value: unknown, least = 1): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least)
    throw rejection(what, `it must be a whole number of at least ${least}`)
  return value
}

/** A part of the config; undefined counts as not said, in it too. */
function part<T extends object>(where: string, value: T | undefined, known: readonly string[]): T {
  if (value !== undefined) checkOptions(where, value, known)
  for (const [name, one] of Object.entries(value ?? {}))
    if (one === null) throw rejection(`${where}.${name}`, 'it is null; leave it away')
  return Object.fromEntries(Object.entries(value ?? {}).filter(([, one]) => one !== undefined)) as T
}

/** Longer than nothing: what is over before it begins bounds nothing, it forbids. */
function span(what: string, value: unknown): number {
  const ms = milliseconds(value, what)
  if (ms === 0) throw rejection(what, 'it must be longer than nothing')
  return ms
}

function readTimeouts(input: RunConfig['timeouts']): Timeouts {
  const timeouts = part('config.timeouts', input, timeoutKinds)
  const read: Record<string, number> = {}
  for (const kind of timeoutKinds)
    if (timeouts[kind] !== undefined) read[kind] = span(`config.timeouts.${kind}`, timeouts[kind])
  return read
}

function readRetry(where: string, retry: Retry | number): RetryRule {
  if (typeof retry === 'number') return { attempts: integer(where, retry), backoff: 1_000 }
  checkOptions(where, retry, ['attempts', 'backoff'])
  return {
    attempts: integer(`${where}.attempts`, retry.attempts),
    backoff: retry.backoff === undefined ? 1_000 : milliseconds(retry.backoff, `${where}.backoff`),
  }
}

interface ErrorRuleInput {
  readonly retry?: Retry | number
  readonly agent?: string | { readonly name: string }
  readonly value?: unknown
  readonly ask?: boolean
}

function readRule(kind: string, rule: ErrorHandling, topology: CanonicalTopology | undefined): ErrorRule {
  const where = `config.onError.${kind}`
  if (rule === 'fail') return {}
  if (rule === 'ask') return { ask: true }
  if (rule === null || typeof rule !== 'object')
    throw rejection(where, "it must be { retry }, { agent }, { value }, { ask: true }, 'ask' or 'fail'")
  checkOptions(where, rule, ['retry', 'agent', 'value', 'ask'])
  const { retry, agent, value, ask } = rule as ErrorRuleInput
  const asks = ask !== undefined && flag(`${where}.ask`, ask)
  if (retry === undefined && agent === undefined && value === undefined && !asks)
    throw rejection(where, 'it says nothing of what to do')
  if (value !== undefined && agent !== undefined) throw rejection(where, 'an agent and a value exclude each other')
  if (value !== undefined && asks) throw rejection(where, 'a value leaves nothing to ask')
  return {
    ...(retry === undefined ? {} : { retry: readRetry(`${where}.retry`, retry) }),
    ...(agent === undefined ? {} : { agent: known(where, typeof agent === 'string' ? agent : agent.name, topology) }),
    ...(value === undefined ? {} : { value: JSON.parse(encodeJson(value, where)) as Json }),
    ...(asks ? { ask: true as const } : {}),
  }
}

function known(where: string, agent: string, topology: CanonicalTopology | undefined): string {
  const agents = topology?.nodes.filter((node) => node.kind === 'agent')
  if (agents && !agents.some((node) => node.name === agent || node.agent === agent))
    throw rejection(where, `the topology has no agent ${agent}; it has ${agents.map((node) => node.name).join(', ')}`)
  return agent
}

function readRepetition(input: Exclude<NonNullable<RunConfig['guards']>['repetition'], false>): Guards['repetition'] {
  const { nudge, stop } = part('config.guards.repetition', input, ['nudge', 'stop'])
  const stops = integer('config.guards.repetition.stop', stop ?? Math.max(5, (nudge ?? 3) + 1))
  const nudges = integer('config.guards.repetition.nudge', nudge ?? Math.min(3, stops))
  if (nudges > stops) throw rejection('config.guards.repetition.nudge', `it comes after the stop at ${stops}`)
  return { nudge: nudges, stop: stops }
}

function readGuards(input: RunConfig['guards']): Guards {
  const guards = part('config.guards', input, ['repetition', 'pingPong', 'noProgress'])
  const { repetition, pingPong = {}, noProgress = {} } = guards
  if (pingPong !== false) checkOptions('config.guards.pingPong', pingPong, ['hops'])
  if (noProgress !== false) checkOptions('config.guards.noProgress', noProgress, ['steps'])
  return {
    repetition: repetition !== false && readRepetition(repetition),
    pingPong: pingPong && { hops: integer('config.guards.pingPong.hops', pingPong.hops ?? 20, 2) },
    noProgress: noProgress && { steps: integer('config.guards.noProgress.steps', noProgress.steps ?? 50) },
  }
}

function readBreak(input: BreakpointSpec, topology: CanonicalTopology | undefined): BreakOn {
  const where = 'config.debug.breakOn'
  if (input === 'error') return { on: 'error' }
  if (input === null || typeof input !== 'object')
    throw rejection(where, "it must be 'error', { agent }, { tool } or { seq }")
  checkOptions(where, input, ['agent', 'tool', 'seq'])
  if ('agent' in input) return { on: 'agent', agent: knownOrNested(where, checkName('agent', input.agent), topology) }
  if ('tool' in input) return { on: 'tool', tool: checkName('tool', input.tool) }
  return { on: 'seq', seq: integer(`${where}.seq`, input.seq) }
}

/** Runs that steps start have agents of their own: a name that is unlike all of these may be theirs. */
function knownOrNested(where: string, agent: string, topology: CanonicalTopology | undefined): string {
  const names = (topology?.nodes ?? []).flatMap((node) =>
    node.kind === 'agent' ? [node.name, String(node.agent)] : [],
  )
  return names.includes(agent) || nearest(agent, names) === undefined ? agent : known(where, agent, topology)
}

const maxBreakpoints = 1_000

/** @throws ValidationError naming what is wrong */
export function readBreakOn(
  breakOn: BreakpointSpec | readonly BreakpointSpec[],
  topology?: CanonicalTopology,
): readonly BreakOn[] {
  const isList = readable('breakOn', () => Array.isArray(breakOn))
  const all = isList
    ? listOf('breakOn', breakOn as readonly BreakpointSpec[], maxBreakpoints)
    : [breakOn as BreakpointSpec]
  return all.map((each) => readBreak(each, topology))
}

function readDebug(input: NonNullable<RunConfig['debug']>, topology: CanonicalTopology | undefined) {
  const { breakOn } = part('config.debug', input, ['breakOn'])
  return { breakOn: readBreakOn(breakOn, topology) }
}

const flag = (what: string, value: unknown): boolean => {
  if (typeof value !== 'boolean') throw rejection(what, 'it must be true or false')
  return value
}

/** Neither replaces the other, and their conditions are read by `checkTopology`: what a caller adds can only narrow what the team says. */
function readPolicies(preset: RunConfig, config: RunConfig): readonly PinnedPolicy[] {
  const named = [
    { of: 'the team', rules: preset.policy },
    { of: 'the run', rules: config.policy },
  ]
  return named.flatMap(({ of, rules }) => {
    if (rules === undefined) return []
    if (!isList(rules)) throw rejection('config.policy', 'it is not a list of rules { tool, when, do }')
    return [{ of, rules: JSON.parse(encodeJson(rules, `The policy of ${of}`)) as readonly PolicyRule[] }]
  })
}

/**
 * @param topology whose own config (of a pattern) counts where the run says nothing, and whose agents `onError` may name
 * @param limits the ceilings of the troupe; the budgets of the topology are ceilings too
 * @throws ValidationError for an option that is not known, for a value out of its bounds, and `budget.ceiling`
 */
export function readConfig(config: RunConfig = {}, topology?: CanonicalTopology, limits: RunLimits = {}): PinnedConfig {
  const preset = part('config', topology?.config as RunConfig | undefined, options)
  const own = part('config', config, options)
  const settings: RunConfig = { ...preset, ...own }
  const policies = readPolicies(preset, own)
  const { verbosity = 'normal', maxParallelBranches = defaultParallelBranches } = settings
  if (!['quiet', 'normal', 'verbose'].includes(verbosity))
    throw rejection('config.verbosity', 'it must be quiet, normal or verbose')
  const parallelBranches = integer('config.maxParallelBranches', maxParallelBranches)
  const rules = objectOf('config.onError', settings.onError ?? {})
  const onError = Object.entries(part('config.onError', rules, Object.keys(rules))).map(
    ([kind, rule]) => [kind, readRule(kind, rule, topology)] as const,
  )
  return {
    budget: budgetWithin(
      readRunLimits('config.budget', own.budget),
      readRunLimits('config.budget', preset.budget),
      limits,
    ),
    timeouts: readTimeouts(settings.timeouts),
    join: readJoin('config.join', settings.join ?? 'all'),
    onFailure: readFailurePolicy('config.onFailure', settings.onFailure ?? 'failFast'),
    onError: Object.fromEntries(onError),
    guards: readGuards(settings.guards),
    maxParallelBranches: flag('config.allowParallel', settings.allowParallel ?? true) ? parallelBranches : 1,
    verbosity,
    showAgentThoughts: flag('config.showAgentThoughts', settings.showAgentThoughts ?? verbosity === 'verbose'),
    showToolCalls: flag('config.showToolCalls', settings.showToolCalls ?? verbosity !== 'quiet'),
    trace: flag('config.trace', settings.trace ?? false),
    ...(policies.length === 0 ? {} : { policies }),
    ...(settings.debug === undefined ? {} : { debug: readDebug(settings.debug, topology) }),
    ...(settings.deadline === undefined ? {} : { deadline: span('config.deadline', settings.deadline) }),
    ...(settings.retry === undefined ? {} : { retry: readRetry('config.retry', settings.retry) }),
  }
}
