/** Ceilings of budgets, of the troupe and of a team. A run can request less than a ceiling but not more. */
import {
  checkOptions,
  type Duration,
  failure,
  invalidInput,
  isExactNumber,
  milliseconds,
  show,
} from '../../core/index.ts'
import type { Budgets } from './pinned-config.ts'

/** The budgets of a run and its child runs. */
export interface BudgetOptions {
  /** Started steps, including retries: 10,000 by default. */
  readonly steps?: number
  /** Levels of invocations and child runs: 100 by default, 1,000 at most. */
  readonly depth?: number
  /** Used edges: 10,000 by default. */
  readonly hops?: number
  /** Open branches at a time, including waiting ones: 2,000 by default. */
  readonly branches?: number
  /** Input and output tokens of all model calls: unlimited by default. */
  readonly tokens?: number
  /** US dollars: unlimited by default. */
  readonly cost?: number
  /** Work time: 1 hour by default. */
  readonly time?: Duration
}

/** The ceilings of all runs of a troupe; `time` in milliseconds. */
export type RunLimits = { readonly [name in keyof Budgets]?: Budgets[name] }

const names = ['steps', 'depth', 'hops', 'branches', 'tokens', 'cost', 'time'] as const
/** The default budgets. */
const defaults = { steps: 10_000, depth: 100, hops: 10_000, branches: 2_000, time: 3_600_000 } as const
const maxDepth = 1_000

/**
 * Reads the given budgets.
 * @throws ValidationError naming the option that is unknown or out of range
 */
export function readRunLimits(where: string, input: BudgetOptions = {}): RunLimits {
  checkOptions(where, input, names)
  const read: { -readonly [name in keyof Budgets]?: number } = {}
  for (const name of names)
    if (input[name] !== undefined) read[name] = readBudget(`${where}.${name}`, name, input[name])
  return read
}

function readBudget(what: string, name: keyof Budgets, value: unknown): number {
  if (value === null) throw invalidInput(what, 'it must not be null: omit it')
  if (name === 'time') {
    const ms = milliseconds(value, what)
    if (ms === 0) throw invalidInput(what, 'it must be longer than 0')
    return ms
  }
  if (name === 'tokens' || name === 'cost') {
    if (!isExactNumber(value) || value < 0)
      throw invalidInput(what, `it must be a number from 0 to ${Number.MAX_SAFE_INTEGER}, not ${show(value)}`)
    return value
  }
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
    throw invalidInput(what, 'it must be a whole number of at least 1')
  if (name === 'depth' && value > maxDepth) throw invalidInput(what, `at most ${maxDepth} levels are possible`)
  return value
}

/** Returns the given limits; if both name a budget, the lower one. */
export function lowerLimits<Own extends RunLimits>(own: Own, other: RunLimits): Own & RunLimits {
  const lower: { -readonly [name in keyof Budgets]?: number } = { ...own }
  for (const name of names) {
    const limit = other[name]
    if (limit !== undefined) lower[name] = Math.min(limit, lower[name] ?? limit)
  }
  return lower as Own & RunLimits
}

/**
 * Checks that the requested budgets are within the ceilings.
 * @param team the budgets of the run's team
 * @throws ValidationError `budget.ceiling`
 */
export function checkCeilings(asked: RunLimits, team: RunLimits, limits: RunLimits): void {
  const ceilings = lowerLimits(team, limits)
  for (const name of names) {
    const [wanted = 0, limit = wanted] = [asked[name], ceilings[name]]
    if (wanted > limit)
      throw failure('budget.ceiling', {
        budget: name,
        asked: wanted,
        limit,
        of: limit === limits[name] ? 'limits.run of the troupe' : 'its team',
      })
  }
}

/**
 * Returns the budgets of a run: the requested ones, else those of its team, else the defaults, within the limits.
 * @throws ValidationError `budget.ceiling` if the run requests more than its team or the troupe allows
 */
export function budgetWithin(asked: RunLimits, team: RunLimits, limits: RunLimits): Budgets {
  checkCeilings(asked, team, limits)
  return { ...lowerLimits({ ...defaults, ...team }, limits), ...asked }
}
