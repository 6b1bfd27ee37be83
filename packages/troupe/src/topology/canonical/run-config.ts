/** Reads the configuration of a run: rejects unknown options and invalid values, and fills in defaults. */
import {
  checkFlag,
  checkName,
  checkOptionNames,
  checkOptions,
  copyJson,
  type Duration,
  fieldOf,
  invalidInput,
  isList,
  listOf,
  milliseconds,
  nearest,
  objectOf,
  readable,
  show,
} from '../../core/index.ts'
import type { PolicyRule } from '../../security/index.ts'
import type { CanonicalTopology, FailurePolicy, Join } from './canonical-topology.ts'
import type { BreakOn, ErrorRule, Guards, PinnedConfig, PinnedPolicy, RetryRule, Timeouts } from './pinned-config.ts'
import { readFailurePolicy, readJoin } from './read-join.ts'
import { type BudgetOptions, budgetWithin, type RunLimits, readRunLimits } from './run-limits.ts'

type Retry = {
  /** The total number of attempts, the first included. */
  readonly attempts: number
  /** The pause before the second attempt; 1 s by default. */
  readonly backoff?: Duration
}
/**
 * The handling of a failed step. First the step is retried, then a substitute agent executes, then a person is asked,
 * or a value replaces the result.
 */
export type ErrorHandling =
  | {
      /**
       * The retries: the total number of attempts, the first included, or with a `backoff` before the second attempt, 1
       * s by default. The delay doubles up to 60 s and is reduced by jitter of up to one half.
       */
      readonly retry: Retry | number
      /** True if a person is asked when the retries are exhausted; false by default. */
      readonly ask?: boolean
    }
  | {
      /** The substitute, by its name or its definition. A substitute that fails is not substituted again. */
      readonly agent:
        | string
        | {
            /** The name of the substitute. */
            readonly name: string
          }
      /** The retries before the substitute executes; none by default. */
      readonly retry?: Retry | number
      /** True if a person is asked when the substitute has failed; false by default. */
      readonly ask?: boolean
    }
  | {
      /** The value that replaces the result of the step. */
      readonly value: unknown
      /** The retries before the value replaces the result; none by default. */
      readonly retry?: Retry | number
    }
  | { readonly ask: true }
  | 'ask'
  | 'fail'

/** The configuration of a run. Durations have a unit: `'30s'`. */
export interface RunConfig {
  /**
   * Budgets of the run and its child runs; a run that exhausts one ends with `result.guard`. The budgets of a team and
   * of `createTroupe({ limits })` are ceilings: a run that requests more is rejected with `budget.ceiling`.
   */
  readonly budget?: BudgetOptions
  /**
   * The timeouts `run`, `branch`, `step`, `tool`, `model`, `acquisition` (of a slot at a limited node) and `human` (of
   * an answer) are off by default. `grace` is the time that a cancelled step may occupy the run if its code ignores its
   * signal; 10 s by default.
   */
  readonly timeouts?: { readonly [kind in keyof Timeouts]?: Duration }
  /** The condition of joins; `all` by default. A node's own takes precedence. */
  readonly join?: Join
  /** How long a join waits for missing branches; unlimited by default. A node's own deadline takes precedence. */
  readonly deadline?: Duration
  /** What joins do with failed branches; `failFast` by default. The policy of a node takes precedence. */
  readonly onFailure?: FailurePolicy
  /**
   * The handling of failed steps, by error code, class name, or `*` for all others. By default a failed step fails its
   * branch.
   */
  readonly onError?: { readonly [kind: string]: ErrorHandling }
  /**
   * Retries of the whole run: `attempts` is the total number, the first included; `backoff` is 1 s by default. None by
   * default.
   */
  readonly retry?: Retry
  /** The guards, which end a run that makes no progress; all are on by default. */
  readonly guards?: {
    /** Counts equal tool calls with equal results of an agent; `false` switches the guard off. */
    readonly repetition?:
      | {
          /** The number of equal calls after which the model gets a notice; 3 by default. */
          readonly nudge?: number
          /** The number of equal calls after which the run ends; 5 by default, at least one more than `nudge`. */
          readonly stop?: number
        }
      | false
    /**
     * Counts the hops of a branch between the same two agents; `false` switches the guard off. Edges with `limit` or
     * `maxTurns` do not count.
     */
    readonly pingPong?:
      | {
          /** The number of hops after which the run ends, from 2; 20 by default. */
          readonly hops?: number
        }
      | false
    /**
     * Counts the steps in a row with which a branch repeats earlier inputs and outcomes; `false` switches the guard
     * off.
     */
    readonly noProgress?:
      | {
          /** The number of such steps after which the run ends; 50 by default. */
          readonly steps?: number
        }
      | false
  }
  /** False executes one branch at a time; true by default. */
  readonly allowParallel?: boolean
  /** The highest number of branches that execute at a time; 10 by default. */
  readonly maxParallelBranches?: number
  /** The content of `run.live()`; `normal` by default. A quiet run shows no text, a verbose run also shows thoughts. */
  readonly verbosity?: 'quiet' | 'normal' | 'verbose'
  /** True if `run.live()` shows the reasoning of models; by default true for a verbose run only. */
  readonly showAgentThoughts?: boolean
  /** True if `run.live()` shows `tool-call` and `tool-result`; by default false for a quiet run only. */
  readonly showToolCalls?: boolean
  /** True if each event of the run is also logged at level info, without its payload; false by default. */
  readonly trace?: boolean
  /**
   * The policy for tool calls in the run and its child runs. It can only restrict what the troupe allows; the rules of
   * the team and of the caller both apply.
   */
  readonly policy?: readonly PolicyRule[]
  /** Breakpoints at which the run pauses: see `run.inspect()`, `edit()`, `step()` and `resume()`. */
  readonly debug?: {
    /** The breakpoints; at most 1,000. */
    readonly breakOn: BreakpointSpec | readonly BreakpointSpec[]
  }
}

/**
 * A breakpoint: when a step fails, before a step of an agent, before a call of a tool, or when the journal reaches an
 * event.
 */
export type BreakpointSpec =
  | 'error'
  | {
      /** The name of the agent or of its node; the run pauses before each of its steps. */
      readonly agent: string
    }
  | {
      /** The name of the tool; the run pauses before each of its calls. */
      readonly tool: string
    }
  | {
      /** The number of the event; the run pauses when its journal has reached it. */
      readonly seq: number
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
  'policy',
  'debug',
]
const timeoutKinds = ['run', 'branch', 'step', 'tool', 'model', 'acquisition', 'human', 'grace'] as const

/** The default of `maxParallelBranches`. */
const defaultParallelBranches = 10

function integer(what: string, value: unknown, least = 1): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least)
    throw invalidInput(what, `it must be a whole number of at least ${least}`)
  return value
}

/** Checks a part of the config and removes undefined values, which count as absent. */
function part<T extends object>(where: string, value: T | undefined, known: readonly string[]): T {
  if (value !== undefined) checkOptionNames(where, value, known)
  for (const [name, one] of Object.entries(value ?? {}))
    if (one === null) throw invalidInput(`${where}.${name}`, 'it must not be null: omit it')
  return Object.fromEntries(Object.entries(value ?? {}).filter(([, one]) => one !== undefined)) as T
}

/** Reads a duration. Zero is rejected, because it would forbid the work instead of limiting it. */
function span(what: string, value: unknown): number {
  const ms = milliseconds(value, what)
  if (ms === 0) throw invalidInput(what, 'it must be longer than 0')
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
    throw invalidInput(where, "it must be { retry }, { agent }, { value }, { ask: true }, 'ask' or 'fail'")
  checkOptionNames(where, rule, ['retry', 'agent', 'value', 'ask'])
  const { retry, agent, value, ask } = rule as ErrorRuleInput
  const asks = ask !== undefined && checkFlag(`${where}.ask`, ask)
  if (retry === undefined && agent === undefined && value === undefined && !asks)
    throw invalidInput(where, 'it must have retry, agent, value or ask')
  if (value !== undefined && agent !== undefined) throw invalidInput(where, 'an agent and a value exclude each other')
  if (value !== undefined && asks) throw invalidInput(where, 'a value leaves nothing to ask')
  return {
    ...(retry === undefined ? {} : { retry: readRetry(`${where}.retry`, retry) }),
    ...(agent === undefined ? {} : { agent: known(where, nameOf(where, agent), topology) }),
    ...(value === undefined ? {} : { value: copyJson(value, where) }),
    ...(asks ? { ask: true as const } : {}),
  }
}

function nameOf(where: string, agent: unknown): string {
  const name = typeof agent === 'string' ? agent : fieldOf(agent, 'name')
  if (typeof name === 'string') return name
  throw invalidInput(where, `its agent must be a name or a definition, got ${show(agent)}`)
}

function known(where: string, agent: string, topology: CanonicalTopology | undefined): string {
  const agents = topology?.nodes.filter((node) => node.kind === 'agent')
  if (agents && !agents.some((node) => node.name === agent || node.agent === agent))
    throw invalidInput(
      where,
      `the topology has no agent ${agent}; it has ${agents.map((node) => node.name).join(', ')}`,
    )
  return agent
}

function readRepetition(input: Exclude<NonNullable<RunConfig['guards']>['repetition'], false>): Guards['repetition'] {
  const { nudge, stop } = part('config.guards.repetition', input, ['nudge', 'stop'])
  const stops = integer('config.guards.repetition.stop', stop ?? Math.max(5, (nudge ?? 3) + 1))
  const nudges = integer('config.guards.repetition.nudge', nudge ?? Math.min(3, stops))
  if (nudges > stops) throw invalidInput('config.guards.repetition.nudge', `it comes after the stop at ${stops}`)
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
    throw invalidInput(where, "it must be 'error', { agent }, { tool } or { seq }")
  checkOptionNames(where, input, ['agent', 'tool', 'seq'])
  if (Object.keys(input).length > 1) throw invalidInput(where, 'it names more than one of agent, tool and seq')
  if ('agent' in input) return { on: 'agent', agent: knownOrNested(where, checkName('agent', input.agent), topology) }
  if ('tool' in input) return { on: 'tool', tool: checkName('tool', input.tool) }
  return { on: 'seq', seq: integer(`${where}.seq`, input.seq) }
}

/**
 * Rejects a name that is similar to an agent of the topology. Other names are accepted, because child runs have agents
 * of their own.
 */
function knownOrNested(where: string, agent: string, topology: CanonicalTopology | undefined): string {
  const names = (topology?.nodes ?? []).flatMap((node) =>
    node.kind === 'agent' ? [node.name, String(node.agent)] : [],
  )
  return names.includes(agent) || nearest(agent, names) === undefined ? agent : known(where, agent, topology)
}

const maxBreakpoints = 1_000

/** Reads breakpoints. @throws ValidationError naming the invalid value */
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

/**
 * Reads the policies of team and caller, which both apply: the caller can only restrict further. `checkTopology` checks
 * their conditions.
 */
function readPolicies(preset: RunConfig, config: RunConfig): readonly PinnedPolicy[] {
  const named = [
    { of: 'the team', rules: preset.policy },
    { of: 'the run', rules: config.policy },
  ]
  return named.flatMap(({ of, rules }) => {
    if (rules === undefined) return []
    if (!isList(rules)) throw invalidInput('config.policy', 'it must be a list of rules { tool, when, do }')
    return [{ of, rules: copyJson(rules, `The policy of ${of}`) as unknown as readonly PolicyRule[] }]
  })
}

/**
 * Reads the configuration of a run.
 * @param topology its own config (of a pattern) provides the defaults, and `onError` may name its agents
 * @param limits the ceilings of the troupe; the budgets of the topology are ceilings too
 * @throws ValidationError for an unknown option, for a value out of range, and `budget.ceiling`
 */
export function readConfig(config: RunConfig = {}, topology?: CanonicalTopology, limits: RunLimits = {}): PinnedConfig {
  const preset = part('config', topology?.config as RunConfig | undefined, options)
  const own = part('config', config, options)
  const settings: RunConfig = { ...preset, ...own }
  const policies = readPolicies(preset, own)
  const { verbosity = 'normal', maxParallelBranches = defaultParallelBranches } = settings
  if (!['quiet', 'normal', 'verbose'].includes(verbosity))
    throw invalidInput('config.verbosity', 'it must be quiet, normal or verbose')
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
    maxParallelBranches: checkFlag('config.allowParallel', settings.allowParallel ?? true) ? parallelBranches : 1,
    verbosity,
    showAgentThoughts: checkFlag('config.showAgentThoughts', settings.showAgentThoughts ?? verbosity === 'verbose'),
    showToolCalls: checkFlag('config.showToolCalls', settings.showToolCalls ?? verbosity !== 'quiet'),
    trace: checkFlag('config.trace', settings.trace ?? false),
    ...(policies.length === 0 ? {} : { policies }),
    ...(settings.debug === undefined ? {} : { debug: readDebug(settings.debug, topology) }),
    ...(settings.deadline === undefined ? {} : { deadline: span('config.deadline', settings.deadline) }),
    ...(settings.retry === undefined ? {} : { retry: readRetry('config.retry', settings.retry) }),
  }
}
