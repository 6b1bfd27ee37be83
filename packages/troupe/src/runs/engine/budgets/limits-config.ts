/** `createTroupe({ limits })`: the ceilings of runs and users, which a caller can narrow and cannot widen. */
import { checkOptions } from '../../../core/index.ts'
import { type BudgetOptions, type RunLimits, readRunLimits } from '../../../topology/index.ts'
import { checkDailyLimits, type DailyLimits } from './daily-usage.ts'

/**
 * Ceilings that hold whatever a caller asks for: of library calls, HTTP, MCP, the command line, schedules, forks, retries
 * and evaluations alike. Child runs draw from the run that starts them.
 * @example
 * const troupe = await createTroupe({
 *   storage: 'sqlite:./data/troupe.db',
 *   limits: { run: { tokens: 200_000, cost: 2, time: '15m' }, user: { perDay: { runs: 500, cost: 20 } } },
 * })
 */
export interface LimitsConfig {
  /** Of each run with its child runs; the same names as `config.budget` of a run. */
  readonly run?: BudgetOptions
  /** Of each user; what a user may use on one day (UTC) is common to all its runs, sessions and evaluations. */
  readonly user?: { readonly perDay?: DailyLimits }
}

/** @throws ValidationError naming the option that is unknown or out of its bounds */
export function readLimits(limits: LimitsConfig = {}): { readonly run: RunLimits; readonly perDay: DailyLimits } {
  checkOptions('limits', limits, ['run', 'user'])
  const { user = {} } = limits
  checkOptions('limits.user', user, ['perDay'])
  const { perDay = {} } = user
  checkDailyLimits('limits.user.perDay', perDay)
  return { run: readRunLimits('limits.run', limits.run), perDay }
}
