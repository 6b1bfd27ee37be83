/** The options of `ada.supervise`, validated, with defaults and durations in milliseconds. */
import { checkOptions, type Duration, invalidInput, isInstance, listOf, milliseconds, show } from '../../core/index.ts'
import { type Backoff, checkInteger } from '../../resilience/index.ts'
import { longerThanNothing } from '../messaging-config.ts'
import { Worker } from '../workers/worker.ts'

/**
 * The children that restart with a failed one: none (`one-for-one`), all others (`one-for-all`), or those that were
 * started after it (`rest-for-one`).
 */
export type SuperviseStrategy = 'one-for-one' | 'one-for-all' | 'rest-for-one'

/** The options of `user.supervise` and of a group of children. */
export interface SuperviseOptions {
  /** The name in events, in `children()` and in the health check; `supervisor` by default. */
  readonly name?: string
  /** `one-for-one` by default. */
  readonly strategy?: SuperviseStrategy
  /** The highest number of failures within a time window; one more escalates. 5 within 1m by default. */
  readonly restarts?: {
    /** The number of failures; 5 by default. 0 escalates at the first failure. */
    readonly max?: number
    /** The length of the window; 1 min by default. */
    readonly within?: Duration
  }
  /** The delay before a restart, doubled with each further failure of the window; 100ms by default. */
  readonly backoff?: Duration
  /** The longest delay before a restart; 30 s by default. */
  readonly maxBackoff?: Duration
  /**
   * The time that a handler may work without a wait for others, and that a worker may take to start. After it, the
   * worker hangs and counts as failed. 5m by default; `false` for no limit.
   */
  readonly hang?: Duration | false
  /**
   * The number of failed handlers in a row that counts as a failure of the worker; `false` by default: handlers do not
   * count.
   */
  readonly failures?: number | false
  /** Called once after the escalation, when all workers are stopped. Its errors are ignored. */
  readonly onEscalated?: (error: Error) => unknown
}

/** A function that creates a worker for each start, or a group with its own options, whose escalation is a failure here. */
export type SuperviseChild =
  | (() => Worker)
  | (SuperviseOptions & {
      /** The children of the group. */
      readonly children: readonly SuperviseChild[]
    })

export interface SuperviseSettings {
  readonly name: string
  readonly strategy: SuperviseStrategy
  readonly maxRestarts: number
  readonly withinMs: number
  readonly backoff: Backoff
  readonly hangMs: number | undefined
  readonly failures: number | undefined
  readonly onEscalated: (error: Error) => unknown
}

const strategies: readonly unknown[] = ['one-for-one', 'one-for-all', 'rest-for-one']
export const superviseOptionNames = [
  'name',
  'strategy',
  'restarts',
  'backoff',
  'maxBackoff',
  'hang',
  'failures',
  'onEscalated',
] as const
/** The highest number of children of one supervisor. */
const maxChildren = 1_000

/** @throws ValidationError */
export function superviseSettings(options: SuperviseOptions): SuperviseSettings {
  const { name = 'supervisor', strategy = 'one-for-one', restarts = {}, failures = false, onEscalated } = options
  checkOptions('supervise.restarts', restarts, ['max', 'within'])
  if (typeof name !== 'string' || name === '')
    throw invalidInput('supervise.name', 'it must be a text that is not empty')
  if (!strategies.includes(strategy))
    throw invalidInput('supervise.strategy', `it is ${show(strategy)}, not one of ${strategies.join(', ')}`)
  if (onEscalated !== undefined && typeof onEscalated !== 'function')
    throw invalidInput('supervise.onEscalated', 'it must be a function')
  const baseMs = milliseconds(options.backoff ?? '100ms', 'supervise.backoff')
  const { hang = '5m' } = options
  return {
    name,
    strategy,
    maxRestarts: checkInteger('supervise.restarts', 'max', restarts.max ?? 5, 0),
    withinMs: longerThanNothing(restarts.within ?? '1m', 'supervise.restarts.within'),
    backoff: { baseMs, maxMs: Math.max(baseMs, milliseconds(options.maxBackoff ?? '30s', 'supervise.maxBackoff')) },
    hangMs: hang === false ? undefined : longerThanNothing(hang, 'supervise.hang'),
    failures: failures === false ? undefined : checkInteger('supervise', 'failures', failures),
    onEscalated: onEscalated ?? (() => {}),
  }
}

/** @throws ValidationError */
export function checkChildren(children: readonly SuperviseChild[]): readonly SuperviseChild[] {
  const count = listOf('The children of supervise', children).length
  if (count === 0 || count > maxChildren)
    throw invalidInput(
      'The children of supervise',
      `it must be a list of 1 to ${maxChildren} functions that create a worker, got ${count}`,
    )
  for (const child of children)
    if (isInstance(child, Worker))
      throw invalidInput(
        'The children of supervise',
        `${child.name} is a worker; pass () => new …, because each start needs a new one`,
      )
  return children
}
