/** The `ExecutionConfig` of MARSYS's guides as the config of a run. No option of it is ignored. */
import {
  checkFlag,
  checkOptionNames,
  type Duration,
  duration,
  failure,
  invalidInput,
  isPlainObject,
  milliseconds,
  objectOf,
} from '../../core/index.ts'
import type { RunConfig } from '../../topology/index.ts'

/** Seconds where it is a number, as in the guides. */
type Span = number | Duration

/** The options of MARSYS's `ExecutionConfig`, which `executionConfig` converts. A number as a time is in seconds. */
export interface ExecutionConfig {
  /** Whether branches may execute in parallel; true by default. */
  readonly allowParallel?: boolean
  /** The maximal number of branches that execute in parallel; 10 by default. */
  readonly maxParallelBranches?: number
  /** The maximal number of steps of the complete run. */
  readonly maxSteps?: number
  /**
   * The deadline of joins. At their deadline, joins continue with the results that have arrived, whatever the
   * `convergencePolicy`; a result that is missing has the error `timeout`.
   */
  readonly convergenceTimeout?: Span
  /** The timeout of a branch. */
  readonly branchTimeout?: Span
  /** The timeout of acquiring a slot at a limited node. */
  readonly agentAcquisitionTimeout?: Span
  /** The timeout of a step. */
  readonly stepTimeout?: Span
  /** The timeout of a tool call. */
  readonly toolExecutionTimeout?: Span
  /** The timeout of a question to a person. */
  readonly userInteractionTimeout?: Span
  /**
   * The share of branches that must succeed, from 0 to 1, its name, or an object with the share and the action if fewer
   * succeed.
   */
  readonly convergencePolicy?:
    | number
    | 'strict'
    | 'majority'
    | 'fail'
    | 'user'
    | 'any'
    | Spelled<{
        /** The share of branches that must succeed, from 0 to 1. */
        readonly minRatio: number
        /** The action if fewer succeed: continue with what there is, fail the run, or ask a person; `fail` by default. */
        readonly onInsufficient?: 'proceed' | 'fail' | 'user'
      }>
  /**
   * Retries a failed step: three attempts with a backoff from 1 s, unless `errorHandling` says otherwise. False by
   * default.
   */
  readonly autoRetryOnError?: boolean
  /** Asks a person about a step that still fails: retry, skip or abort. False by default. */
  readonly errorRoutingEnabled?: boolean
  /** The retries of `autoRetryOnError`, which must be set too. */
  readonly errorHandling?: Spelled<{
    /** The number of attempts; 3 by default. */
    readonly maxRetries?: number
    /** The first pause; 1 s by default. */
    readonly baseDelay?: Span
  }>
  /** The content of `run.live()`. */
  readonly status?: Spelled<{
    /** False shows no text, like `verbosity: 'quiet'`; then no other option may be given. */
    readonly enabled?: boolean
    /** 0 or `quiet` shows no text, 1 or `normal` texts and tool calls, 2 or `verbose` thoughts too. */
    readonly verbosity?: 0 | 1 | 2 | 'quiet' | 'normal' | 'verbose'
    /** The same as `showAgentThoughts`. */
    readonly showThoughts?: boolean
    /** Whether the reasoning of models is shown; true if verbose. */
    readonly showAgentThoughts?: boolean
    /** Whether tool calls and their results are shown; true unless quiet. */
    readonly showToolCalls?: boolean
  }>
  /** The log of the run. */
  readonly tracing?: {
    /** Logs each event of the run at level info, without its payload; false by default. */
    readonly enabled?: boolean
  }
}

type Snake<S extends string> = S extends `${infer Head}${infer Tail}`
  ? `${Head extends Lowercase<Head> ? Head : `_${Lowercase<Head>}`}${Snake<Tail>}`
  : ''
/** Options in the spelling of the guides or of Troupe: `auto_retry_on_error`, `autoRetryOnError`. */
export type Spelled<T> = T | { readonly [K in keyof T as K extends string ? Snake<K> : never]: T[K] }

const timeouts = {
  branchTimeout: 'branch',
  agentAcquisitionTimeout: 'acquisition',
  stepTimeout: 'step',
  toolExecutionTimeout: 'tool',
  userInteractionTimeout: 'human',
} as const
type TimeoutName = keyof typeof timeouts

const names = [
  'allowParallel',
  'maxParallelBranches',
  'maxSteps',
  'convergenceTimeout',
  ...Object.keys(timeouts),
  'convergencePolicy',
  'autoRetryOnError',
  'errorRoutingEnabled',
  'errorHandling',
  'status',
  'tracing',
]

/** Options of MARSYS that Troupe does in another way. */
const instead: { readonly [name: string]: string } = {
  steeringMode: 'an agent whose answer names no next agent is always steered',
  dynamicConvergenceEnabled: 'branches are always joined where their edges meet',
  autoDetectConvergence: 'branches are always joined where their edges meet',
  parentCompletesOnSpawn: 'an agent waits for an invoked agent that has an edge back to it, and ends otherwise',
  userInteraction: 'the result of the run has the questions, and run.answer, HTTP or the studio answers them',
  userFirst: 'the first message of the person is the task',
  initialUserMsg: 'the first message of the person is the task',
  autoCleanupAgents: 'definitions of agents own nothing to clean up',
  cleanupScope: 'definitions of agents own nothing to clean up',
  responseFormat: 'an agent declares the form of its answer with output',
  aggui: 'events of a run are streamed by its server',
  contentOnlySteeringThreshold: 'the bound of an agent is settings.maxTurns',
  contentOnlyHardLimit: 'the bound of an agent is settings.maxTurns',
}

const camel = (name: string) => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/**
 * Returns the given options in Troupe's spelling.
 * @throws ValidationError for an unknown option, or one in both spellings
 */
function read<T>(where: string, options: object | undefined, known: readonly string[]): Partial<T> {
  if (options !== undefined && !isPlainObject(options)) checkOptionNames(where, options, known)
  const found: Record<string, unknown> = {}
  for (const [spelled, value] of Object.entries(
    objectOf(where, (options ?? {}) as Readonly<Record<string, unknown>>),
  )) {
    const name = camel(spelled)
    if (value === undefined) continue
    if (Object.hasOwn(found, name)) throw invalidInput(`${where}.${name}`, 'it is set in both spellings')
    if (Object.hasOwn(instead, name))
      throw failure('compat.unsupported', { what: `${where}.${name}`, instead: instead[name] as string })
    found[name] = value
  }
  checkOptionNames(where, found, known)
  return found as Partial<T>
}

function span(what: string, value: Span): Duration {
  if (typeof value === 'string') return duration(milliseconds(value, what))
  if (typeof value !== 'number' || !(value > 0))
    throw invalidInput(what, 'it must be a number of seconds above zero, or a duration')
  return duration(milliseconds(`${Math.ceil(value * 1_000)}ms`, what))
}

/**
 * Converts the options to the `config` of `orchestra.start`.
 * @throws ValidationError for an unknown option, with the nearest name, and for one without counterpart
 * @example await ada.orchestra.run({ task, topology, config: executionConfig({ autoRetryOnError: true }) })
 */
export function executionConfig(options: Spelled<ExecutionConfig>): RunConfig {
  const fields = read<ExecutionConfig>('ExecutionConfig', options, names)
  const spans = (Object.keys(timeouts) as TimeoutName[]).flatMap((name) =>
    fields[name] === undefined ? [] : [[timeouts[name], span(name, fields[name])] as const],
  )
  const { allowParallel, maxParallelBranches, maxSteps, convergenceTimeout, tracing } = fields
  const { enabled: trace } = read<{ readonly enabled: boolean }>('tracing', tracing, ['enabled'])
  return {
    ...(allowParallel === undefined ? {} : { allowParallel }),
    ...(maxParallelBranches === undefined ? {} : { maxParallelBranches }),
    ...(maxSteps === undefined ? {} : { budget: { steps: maxSteps } }),
    ...(spans.length === 0 ? {} : { timeouts: Object.fromEntries(spans) }),
    ...(convergenceTimeout === undefined ? {} : { deadline: span('convergenceTimeout', convergenceTimeout) }),
    ...(fields.convergencePolicy === undefined ? {} : joinConfig(fields.convergencePolicy)),
    ...recovery(fields),
    ...shown(fields.status),
    ...(trace === undefined ? {} : { trace }),
  }
}

const policies = {
  strict: { join: 'all', onFailure: 'failFast' },
  fail: { join: 'all', onFailure: 'failFast' },
  majority: { join: { ratio: 0.51 }, onFailure: 'failFast' },
  user: { join: { ratio: 0.67 }, onFailure: 'ask' },
  any: { join: 'all', onFailure: 'collect' },
} as const
const insufficient = { proceed: 'collect', fail: 'failFast', user: 'ask' } as const

function joinConfig(policy: NonNullable<ExecutionConfig['convergencePolicy']>): Pick<RunConfig, 'join' | 'onFailure'> {
  if (typeof policy === 'string') {
    if (Object.hasOwn(policies, policy)) return policies[policy]
    throw invalidInput('convergencePolicy', `it must be a ratio or one of ${Object.keys(policies).join(', ')}`)
  }
  const { minRatio, onInsufficient = 'fail' } =
    typeof policy === 'number'
      ? { minRatio: policy }
      : read<{ minRatio: number; onInsufficient: keyof typeof insufficient }>('convergencePolicy', policy, [
          'minRatio',
          'onInsufficient',
        ])
  if (!Object.hasOwn(insufficient, onInsufficient))
    throw invalidInput('convergencePolicy.onInsufficient', `it must be one of ${Object.keys(insufficient).join(', ')}`)
  if (typeof minRatio !== 'number' || !(minRatio >= 0 && minRatio <= 1))
    throw invalidInput('convergencePolicy', 'a ratio lies between 0 and 1')
  if (minRatio === 0) return policies.any
  return { join: minRatio === 1 ? 'all' : { ratio: minRatio }, onFailure: insufficient[onInsufficient] }
}

/** Attempts come first, then the question to a person. */
function recovery(settings: ExecutionConfig): Pick<RunConfig, 'onError'> {
  const retries = settings.autoRetryOnError !== undefined && checkFlag('autoRetryOnError', settings.autoRetryOnError)
  const asks =
    settings.errorRoutingEnabled !== undefined && checkFlag('errorRoutingEnabled', settings.errorRoutingEnabled)
  const { maxRetries = 3, baseDelay = '1s' } = read<{ maxRetries: number; baseDelay: Span }>(
    'errorHandling',
    settings.errorHandling,
    ['maxRetries', 'baseDelay'],
  )
  if (settings.errorHandling !== undefined && !retries)
    throw invalidInput('errorHandling', 'it configures the retries of steps: set autoRetryOnError too')
  const retry = { attempts: maxRetries, backoff: span('errorHandling.baseDelay', baseDelay) }
  if (retries) return { onError: { '*': { retry, ...(asks ? { ask: true } : {}) } } }
  return asks ? { onError: { '*': 'ask' } } : {}
}

const levels = ['quiet', 'normal', 'verbose'] as const

function shown(status: ExecutionConfig['status']): RunConfig {
  type Status = {
    enabled: boolean
    verbosity: 0
    showThoughts: boolean
    showAgentThoughts: boolean
    showToolCalls: boolean
  }
  const known = ['enabled', 'verbosity', 'showThoughts', 'showAgentThoughts', 'showToolCalls'] as const
  const fields = read<Status>('status', status, known)
  const { verbosity, showToolCalls, showThoughts, showAgentThoughts = showThoughts } = fields
  if (showThoughts !== undefined && showThoughts !== showAgentThoughts)
    throw invalidInput('status', 'showThoughts and showAgentThoughts are the same option, and have different values')
  if (fields.enabled !== undefined && !checkFlag('status.enabled', fields.enabled)) {
    if (Object.keys(fields).length > 1) throw invalidInput('status', 'it is not enabled, so no other option may be set')
    return { verbosity: 'quiet' }
  }
  return {
    ...(verbosity === undefined ? {} : { verbosity: levels[verbosity] ?? verbosity }),
    ...(showAgentThoughts === undefined ? {} : { showAgentThoughts }),
    ...(showToolCalls === undefined ? {} : { showToolCalls }),
  }
}
