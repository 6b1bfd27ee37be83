/** What the guides pass as `ExecutionConfig`, as the config of a run. Nothing of it is ignored. */
import {
  checkFlag,
  checkOptions,
  type Duration,
  duration,
  failure,
  isPlainObject,
  milliseconds,
  objectOf,
} from '../../core/index.ts'
import type { RunConfig } from '../../topology/index.ts'

/** Seconds where it is a number, as in the guides. */
type Span = number | Duration

export interface ExecutionConfig {
  readonly allowParallel?: boolean
  readonly maxParallelBranches?: number
  /** Over the whole run. */
  readonly maxSteps?: number
  readonly convergenceTimeout?: Span
  readonly branchTimeout?: Span
  readonly agentAcquisitionTimeout?: Span
  readonly stepTimeout?: Span
  readonly toolExecutionTimeout?: Span
  readonly userInteractionTimeout?: Span
  /** The share that has to succeed, its name, or that with what is done where fewer do. */
  readonly convergencePolicy?:
    | number
    | 'strict'
    | 'majority'
    | 'fail'
    | 'user'
    | 'any'
    | Spelled<{ readonly minRatio: number; readonly onInsufficient?: 'proceed' | 'fail' | 'user' }>
  /** A step that fails is tried three times, with pauses of a second and more, unless `errorHandling` says otherwise. */
  readonly autoRetryOnError?: boolean
  /** A person is asked about what still fails: retry, skip or abort. */
  readonly errorRoutingEnabled?: boolean
  readonly errorHandling?: Spelled<{ readonly maxRetries?: number; readonly baseDelay?: Span }>
  readonly status?: Spelled<{
    readonly enabled?: boolean
    readonly verbosity?: 0 | 1 | 2 | 'quiet' | 'normal' | 'verbose'
    readonly showThoughts?: boolean
    readonly showAgentThoughts?: boolean
    readonly showToolCalls?: boolean
  }>
  readonly tracing?: { readonly enabled?: boolean }
}

type Snake<S extends string> = S extends `${infer Head}${infer Tail}`
  ? `${Head extends Lowercase<Head> ? Head : `_${Lowercase<Head>}`}${Snake<Tail>}`
  : ''
/** The names as the guides spell them, or as Troupe does: `auto_retry_on_error`, `autoRetryOnError`. */
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

/** What MARSYS has and Troupe does otherwise. */
const instead: { readonly [name: string]: string } = {
  steeringMode: 'an agent whose answer leads nowhere is always steered',
  dynamicConvergenceEnabled: 'branches always meet where their edges meet',
  autoDetectConvergence: 'branches always meet where their edges meet',
  parentCompletesOnSpawn: 'an agent waits for what it invokes where there is a way back, and is over where not',
  userInteraction:
    'questions stand in the result of the run, and are answered by run.answer, over HTTP or in the studio',
  userFirst: 'what a person says first is the task',
  initialUserMsg: 'what a person says first is the task',
  autoCleanupAgents: 'definitions of agents hold nothing that is to be cleaned up',
  cleanupScope: 'definitions of agents hold nothing that is to be cleaned up',
  responseFormat: 'an agent declares the form of its answer with output',
  aggui: 'events of a run are streamed by its server',
  contentOnlySteeringThreshold: 'the bound of an agent is settings.maxTurns',
  contentOnlyHardLimit: 'the bound of an agent is settings.maxTurns',
}

const wrong = (what: string, problem: string) => failure('validation.failed', { what, problem })
const camel = (name: string) => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** In Troupe's spelling, without what is not said. @throws ValidationError for what is unknown, or said in both spellings */
function read<T>(where: string, options: object | undefined, known: readonly string[]): Partial<T> {
  if (options !== undefined && !isPlainObject(options)) checkOptions(where, options, known)
  const found: Record<string, unknown> = {}
  for (const [spelled, value] of Object.entries(
    objectOf(where, (options ?? {}) as Readonly<Record<string, unknown>>),
  )) {
    const name = camel(spelled)
    if (value === undefined) continue
    if (Object.hasOwn(found, name)) throw wrong(`${where}.${name}`, 'it is said in both spellings')
    if (Object.hasOwn(instead, name))
      throw failure('compat.unsupported', { what: `${where}.${name}`, instead: instead[name] as string })
    found[name] = value
  }
  checkOptions(where, found, known)
  return found as Partial<T>
}

function span(what: string, value: Span): Duration {
  if (typeof value === 'string') return duration(milliseconds(value, what))
  if (typeof value !== 'number' || !(value > 0))
    throw wrong(what, 'it is a number of seconds above zero, or a duration')
  return duration(milliseconds(`${Math.ceil(value * 1_000)}ms`, what))
}

/**
 * @returns what `orchestra.start({ config })` takes
 * @throws ValidationError for what is unknown, naming the nearest, and for what cannot be had
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
    throw wrong('convergencePolicy', `it is a ratio or one of ${Object.keys(policies).join(', ')}`)
  }
  const { minRatio, onInsufficient = 'fail' } =
    typeof policy === 'number'
      ? { minRatio: policy }
      : read<{ minRatio: number; onInsufficient: keyof typeof insufficient }>('convergencePolicy', policy, [
          'minRatio',
          'onInsufficient',
        ])
  if (!Object.hasOwn(insufficient, onInsufficient))
    throw wrong('convergencePolicy.onInsufficient', `it is one of ${Object.keys(insufficient).join(', ')}`)
  if (typeof minRatio !== 'number' || !(minRatio >= 0 && minRatio <= 1))
    throw wrong('convergencePolicy', 'a ratio lies between 0 and 1')
  if (minRatio === 0) return policies.any
  return { join: minRatio === 1 ? 'all' : { ratio: minRatio }, onFailure: insufficient[onInsufficient] }
}

/** Attempts come first, then the question what to do. */
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
    throw wrong('errorHandling', 'it says how steps are tried again: set autoRetryOnError too')
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
  const known = ['enabled', 'verbosity', 'showThoughts', 'showAgentThoughts', 'showToolCalls']
  const fields = read<Status>('status', status, known)
  const { verbosity, showToolCalls, showThoughts, showAgentThoughts = showThoughts } = fields
  if (showThoughts !== undefined && showThoughts !== showAgentThoughts)
    throw wrong('status', 'showThoughts and showAgentThoughts are one thing, and say different ones')
  if (fields.enabled !== undefined && !checkFlag('status.enabled', fields.enabled)) {
    if (Object.keys(fields).length > 1) throw wrong('status', 'it is not enabled, and says what is shown')
    return { verbosity: 'quiet' }
  }
  return {
    ...(verbosity === undefined ? {} : { verbosity: levels[verbosity] ?? verbosity }),
    ...(showAgentThoughts === undefined ? {} : { showAgentThoughts }),
    ...(showToolCalls === undefined ? {} : { showToolCalls }),
  }
}
