/** Ceilings of budgets: those of the troupe, and those of a team. A run can narrow a ceiling and cannot widen it. */
import { checkOptions, type Duration, failure, milliseconds } from '../../core/index.ts'
import type { Budgets } from './pinned-config.ts'

/** Budgets of a run with the runs that its steps start. */
export interface BudgetOptions {
  /** Steps that are begun, retries included: 10,000 by default. */
  readonly steps?: number
  /** Levels of invocations and child runs: 100 by default, 1,000 at most. */
  readonly depth?: number
  /** Edges that are taken: 10,000 by default. */
  readonly hops?: number
  /** Branches that are open at the same moment, those included that wait for their turn: 2,000 by default. */
  readonly branches?: number
  /** Input and output tokens of all model calls: none by default. */
  readonly tokens?: number
  /** US dollars: none by default. */
  readonly cost?: number
  /** Work time: 1 hour by default. */
  readonly time?: Duration
}

/** The ceilings of all runs of a troupe; `time` in milliseconds. */
export type RunLimits = { readonly [name in keyof Budgets]?: Budgets[name] }

const names = ['steps', 'depth', 'hops', 'branches', 'tokens', 'cost', 'time'] as const
/** Budgets that hold where none is named. */
const defaults = { steps: 10_000, depth: 100, hops: 10_000, branches: 2_000, time: 3_600_000 } as const
const maxDepth = 1_000

const rejection = (what: string, problem: string) => failure('validation.failed', { what, problem })

/**
 * Reads the budgets that are named.
 * @throws ValidationError naming the option that is unknown or out of its bounds
 */
export function readRunLimits(where: string, input: BudgetOptions = {}): RunLimits {
  checkOptions(where, input, names)
  const read: { -readonly [name in keyof Budgets]?: number } = {}
  for (const name of names)
    if (input[name] !== undefined) read[name] = readBudget(`${where}.${name}`, name, input[name])
  return read
}

function readBudget(what: string, name: keyof Budgets, value: unknown): number {
  if (value === null) throw rejection(what, 'it is null; leave it away')
  if (name === 'time') {
    const ms = milliseconds(value, what)
    if (ms === 0) throw rejection(what, 'it must be longer than nothing')
    return ms
  }
  if (name === 'tokens' || name === 'cost') {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      throw rejection(what, 'it must be a number of at least 0')
    return value
  }
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
    throw rejection(what, 'it must be a whole number of at least 1')
  if (name === 'depth' && value > maxDepth) throw rejection(what, `at most ${maxDepth} levels are possible`)
  return value
}

/** The lower of both where both name a budget. */
export function lowerLimits<Own extends RunLimits>(own: Own, other: RunLimits): Own & RunLimits {
  const lower: { -readonly [name in keyof Budgets]?: number } = { ...own }
  for (const name of names) {
    const limit = other[name]
    if (limit !== undefined) lower[name] = Math.min(limit, lower[name] ?? limit)
  }
  return lower as Own & RunLimits
}

/**
 * Checks that what a run asks for is within its ceilings.
 * @param team the budgets of its team
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
 * Returns the budgets of a run: what it asks for, else what its team names, else the defaults, within the limits.
 * @throws ValidationError `budget.ceiling` where it asks for more than its team or the troupe allows
 */
export function budgetWithin(asked: RunLimits, team: RunLimits, limits: RunLimits): Budgets {
  checkCeilings(asked, team, limits)
  return { ...lowerLimits({ ...defaults, ...team }, limits), ...asked }
}
