/** Usage over time: runs, tokens, cost and durations per hour or day and team, computed from the rows of the runs. */
import { sql } from 'kysely'
import { checkOptions, checkSignal, type UserId } from '../../../../core/index.ts'
import { type Dialect, type Row, type Statement, type Storage, statementOf } from '../../../../storage/index.ts'
import { checkedIntervals } from './checked-range.ts'
import { usageOfRuns } from './run-usage.ts'

/** The options of `orchestra.usage`. */
export interface UsageHistoryOptions {
  /** The earliest start of a run, as ISO 8601 text; 24 hours before `to` by default. */
  readonly from?: string
  /** The end of the range, which is not included, as ISO 8601 text; now by default. */
  readonly to?: string
  /** The length of an interval, in UTC; `hour` by default. At most 1,000 intervals lie between `from` and `to`. */
  readonly interval?: 'hour' | 'day'
  /** Rejects the call with CancelledError if it has aborted before the call starts. */
  readonly signal?: AbortSignal
}

/** The runs of one team that were started in one interval. */
export interface UsageInterval {
  /** The begin of the interval, as ISO 8601 text. */
  readonly at: string
  /** The name of the team; absent for runs whose team was not registered. */
  readonly team?: string
  /** The number of started runs. */
  readonly runs: number
  /** The number of these runs that have failed. */
  readonly failed: number
  /** The input and output tokens; each call counts once, in the run whose step made it. */
  readonly tokens: number
  /** The cost in US dollars; model calls without a known price are missing. */
  readonly cost: number
  /** The number of runs that used a model without a price. */
  readonly unpriced: number
  /**
   * The time in ms from start to end of the ended runs, exact up to a factor of the square root of 2; absent if none
   * has ended.
   */
  readonly durationMs?: {
    /** The median. */
    readonly p50: number
    /** The 95th percentile. */
    readonly p95: number
  }
}

/**
 * Durations are counted in classes; each upper bound is the square root of 2 times the one before, from 1 ms to 12
 * days.
 */
const classBounds = Array.from({ length: 61 }, (_, i) => Math.round(2 ** (i / 2)))

/**
 * Returns the usage of a user's runs per interval and team, the oldest first; intervals without runs are left out.
 * @throws ValidationError
 */
export async function readUsageHistory(
  storage: Storage,
  user: UserId,
  options: UsageHistoryOptions,
  now: number,
): Promise<readonly UsageInterval[]> {
  checkOptions('orchestra.usage', options, ['from', 'to', 'interval', 'signal'])
  checkSignal('orchestra.usage', options.signal)
  const { from, to, length } = checkedIntervals('orchestra.usage', options, now)
  const [rows] = await storage.read({ user }, [usageRows(storage.dialect, user, from, to, length)])
  return intervalsOf(rows ?? [], length)
}

/** One row for each interval, team and class of durations; class -1 counts runs that have not ended. */
function usageRows(dialect: Dialect, user: UserId, from: number, to: number, length: number): Statement {
  const duration = sql`r.ended_at - r.created_at`
  const classes = classBounds.map((bound, i) => sql`when ${duration} <= ${sql.lit(bound)} then ${sql.lit(i)}`)
  // The row of a run has the sums of its child runs too, and that of a fork those of the part that it shares.
  const calls = usageOfRuns(dialect, sql`u.user_id = ${user} and u.created_at >= ${from} and u.created_at < ${to}`)
  const query = sql`select r.created_at / ${sql.lit(length)} as at, r.team,
      case when r.ended_at is null then -1 ${sql.join(classes, sql` `)} else ${sql.lit(classBounds.length)} end as class,
      count(*) as runs, sum(case when r.status = 'failed' then 1 else 0 end) as failed,
      coalesce(sum(u.tokens), 0) as tokens, coalesce(sum(u.cost), 0) as cost, coalesce(sum(u.unpriced), 0) as unpriced
    from runs r left join (
      select run_id, sum(tokens) as tokens, sum(cost) as cost, max(unpriced) as unpriced from (${calls}) calls
      group by run_id) u on u.run_id = r.run_id
    where r.user_id = ${user} and r.created_at >= ${from} and r.created_at < ${to}
    group by 1, 2, 3 order by 1, 2, 3`
  return { ...statementOf(dialect, query, {}), returns: true }
}

function intervalsOf(rows: readonly Row[], length: number): readonly UsageInterval[] {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const key = JSON.stringify([Number(row.at), row.team])
    const group = groups.get(key)
    if (group) group.push(row)
    else groups.set(key, [row])
  }
  return [...groups.values()].map((group) => {
    const sum = (column: string) => group.reduce((total, row) => total + Number(row[column]), 0)
    const [first] = group
    const ended = group.filter((row) => Number(row.class) >= 0)
    const team = first?.team as string | null
    return {
      at: new Date(Number(first?.at) * length).toISOString(),
      ...(team === null ? {} : { team }),
      runs: sum('runs'),
      failed: sum('failed'),
      tokens: sum('tokens'),
      cost: sum('cost'),
      unpriced: sum('unpriced'),
      ...(ended.length === 0 ? {} : { durationMs: { p50: percentile(ended, 0.5), p95: percentile(ended, 0.95) } }),
    }
  })
}

/** Returns the upper bound in ms of the class in which the share of runs is reached. */
function percentile(classes: readonly Row[], share: number): number {
  const total = classes.reduce((sum, row) => sum + Number(row.runs), 0)
  let below = 0
  for (const row of classes) {
    below += Number(row.runs)
    if (below >= share * total) return classBounds[Number(row.class)] ?? (classBounds.at(-1) as number)
  }
  return 0
}
