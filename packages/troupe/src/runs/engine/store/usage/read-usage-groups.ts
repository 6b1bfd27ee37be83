/** Usage by user, team or model over a range of time, of one user or of all users. */
import { sql } from 'kysely'
import { checkOptions, checkSignal, invalidInput, type UserId } from '../../../../core/index.ts'
import { type Dialect, type Row, type Statement, type Storage, statementOf } from '../../../../storage/index.ts'
import { checkedRange } from './checked-range.ts'
import { usageOfRuns } from './run-usage.ts'

/** The options of `orchestra.usageBy` and `troupe.usageBy`. */
export interface UsageGroupOptions {
  /** The earliest start of a run, as ISO 8601 text; 30 days before `to` by default. */
  readonly from?: string
  /** The end of the range, which is not included, as ISO 8601 text; now by default. */
  readonly to?: string
  /** The number of groups, 1 to 1,000, the most expensive first; 100 by default. */
  readonly limit?: number
  /** Rejects the call with CancelledError if it has aborted before the call starts. */
  readonly signal?: AbortSignal
}

/** The kind of the groups of a usage report: users, teams, or models (`provider/model`). */
export type UsageGrouping = 'user' | 'team' | 'model'

/** The usage of one user, team or model by the runs that were started in a range of time. */
export interface UsageGroup {
  /**
   * The user, team or model. Absent: runs whose team was not registered, calls whose model is unknown, and for models the runs
   * of releases that recorded none.
   */
  readonly name?: string
  /** The number of runs that used a model; a run that used two models counts for both. */
  readonly runs: number
  /** Input and output tokens; each call counts once, in the run whose step made it. */
  readonly tokens: number
  /** The input tokens; those of runs that recorded no models are missing. */
  readonly inputTokens: number
  /** The output tokens; those of runs that recorded no models are missing. */
  readonly outputTokens: number
  /** The cost in US dollars; model calls without a known price are missing. */
  readonly cost: number
  /** The number of runs that used a model without a price. */
  readonly unpriced: number
}

const groupings = ['user', 'team', 'model']
const dayMs = 86_400_000
const defaultDays = 30
const limits = { default: 100, max: 1_000 }

/**
 * Returns the usage by group, the most expensive first.
 * @param user undefined: all users
 * @throws ValidationError
 */
export async function readUsageGroups(
  storage: Pick<Storage, 'dialect' | 'read'>,
  user: UserId | undefined,
  by: UsageGrouping,
  options: UsageGroupOptions,
  now: number,
): Promise<readonly UsageGroup[]> {
  const what = user === undefined ? 'troupe.usageBy' : 'orchestra.usageBy'
  checkOptions(what, options, ['from', 'to', 'limit', 'signal'])
  checkSignal(what, options.signal)
  const wrong = (name: string, problem: string) => invalidInput(`${what}${name}`, problem)
  if (!groupings.includes(by)) throw wrong('', `the first argument is one of ${groupings.join(', ')}`)
  const { limit = limits.default } = options
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > limits.max)
    throw wrong('.limit', `it must be from 1 to ${limits.max}`)
  const range = checkedRange(what, options, now, defaultDays * dayMs)
  const statement = groupRows(storage.dialect, user, by, { ...range, limit })
  const [rows = []] = await storage.read(user === undefined ? { work: true } : { user }, [statement])
  return rows.map(groupOf)
}

/** The inner query has one row for each run and group, so that a run counts once in a group. */
function groupRows(
  dialect: Dialect,
  user: UserId | undefined,
  by: UsageGrouping,
  { from, to, limit }: { readonly from: number; readonly to: number; readonly limit: number },
): Statement {
  const inRange = sql`u.created_at >= ${from} and u.created_at < ${to}`
  const range = user === undefined ? inRange : sql`u.user_id = ${user} and ${inRange}`
  const name = { user: sql`user_id`, team: sql`team`, model: sql`model` }[by]
  const query = sql`select name, count(*) as runs, sum(input) as input, sum(output) as output, sum(tokens) as tokens,
      sum(cost) as cost, sum(unpriced) as unpriced
    from (
      select user_id, run_id, ${name} as name, sum(input) as input, sum(output) as output, sum(tokens) as tokens,
        sum(cost) as cost, max(unpriced) as unpriced
      from (${usageOfRuns(dialect, range)}) calls
      group by user_id, run_id, ${name}) of_runs
    group by name order by cost desc, tokens desc, name limit ${limit}`
  return { ...statementOf(dialect, query, {}), returns: true }
}

const groupOf = (row: Row): UsageGroup => ({
  ...(row.name === null ? {} : { name: row.name as string }),
  runs: Number(row.runs),
  tokens: Number(row.tokens),
  inputTokens: Number(row.input),
  outputTokens: Number(row.output),
  cost: Number(row.cost),
  unpriced: Number(row.unpriced),
})
