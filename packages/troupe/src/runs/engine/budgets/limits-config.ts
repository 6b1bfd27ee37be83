/** `createTroupe({ limits })`: the upper limits of runs and users, which a caller can lower and cannot raise. */
import { checkOptions } from '../../../core/index.ts'
import { type BudgetOptions, type RunLimits, readRunLimits } from '../../../topology/index.ts'
import { checkDailyLimits, type DailyLimits } from './daily-usage.ts'

/**
 * Upper limits for all callers: library, HTTP, MCP, command line, schedules, forks, retries and evaluations. Child runs
 * use the limits of their parent.
 * @example
 * const troupe = await createTroupe({
 *   storage: 'sqlite:./data/troupe.db',
 *   limits: { run: { tokens: 200_000, cost: 2, time: '15m' }, user: { perDay: { runs: 500, cost: 20 } } },
 * })
 */
export interface LimitsConfig {
  /** The limits of each run with its child runs; the same names as `config.budget` of a run. */
  readonly run?: BudgetOptions
  /** The limits of each user; all runs, sessions and evaluations of a user share the amount of one day (UTC). */
  readonly user?: {
    /** The amounts of one day (UTC) that all runs, sessions and evaluations of a user share; no limit by default. */
    readonly perDay?: DailyLimits
  }
}

/** @throws ValidationError naming the option that is unknown or out of its bounds */
export function readLimits(limits: LimitsConfig = {}): { readonly run: RunLimits; readonly perDay: DailyLimits } {
  checkOptions('limits', limits, ['run', 'user'])
  const { user = {} } = limits
  checkOptions('limits.user', user, ['perDay'])
  const { perDay = {} } = user
  checkDailyLimits(perDay)
  return { run: readRunLimits('limits.run', limits.run), perDay }
}
