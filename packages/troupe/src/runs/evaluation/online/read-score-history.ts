/** The online scores over time: per hour or day, scorer and team. */
import { sql } from 'kysely'
import { checkOptions, checkSignal, invalidInput, type UserId } from '../../../core/index.ts'
import { type Row, type Storage, statementOf } from '../../../storage/index.ts'
import { checkedIntervals } from '../../engine/store/usage/checked-range.ts'
import type { UsageHistoryOptions } from '../../engine/store/usage/read-usage-history.ts'

/** The options of `experiments.scores`. */
export interface ScoreHistoryOptions extends Omit<UsageHistoryOptions, 'from'> {
  /** The earliest scoring, as ISO 8601 text; 24 hours before `to` by default. */
  readonly from?: string
}

/** The scores that one scorer gave to the live runs of one team in one interval. */
export interface ScoreInterval {
  /** The begin of the interval, as ISO 8601 text. */
  readonly at: string
  /** The name of the scorer. */
  readonly scorer: string
  /** The name of the team; absent for runs whose team was not registered. */
  readonly team?: string
  /** The number of runs that were scored. */
  readonly runs: number
  /** The mean score. */
  readonly mean: number
  /** The lowest score. */
  readonly min: number
  /** The highest score. */
  readonly max: number
}

const maxItems = 10_000

/**
 * Returns the online scores of a user per interval, scorer and team, the oldest first; intervals without scores are left out.
 * @throws ValidationError
 */
export async function readScoreHistory(
  storage: Pick<Storage, 'dialect' | 'read'>,
  user: UserId,
  options: ScoreHistoryOptions,
  now: number,
): Promise<readonly ScoreInterval[]> {
  const what = 'experiments.scores'
  checkOptions(what, options, ['from', 'to', 'interval', 'signal'])
  checkSignal(what, options.signal)
  const { from, to, length } = checkedIntervals(what, options, now)
  const query = sql`select at / ${sql.lit(length)} as at, scorer, team, count(*) as runs, avg(score) as mean,
      min(score) as min, max(score) as max
    from online_scores where user_id = ${user} and at >= ${from} and at < ${to}
    group by 1, 2, 3 order by 1, 2, 3 limit ${sql.lit(maxItems + 1)}`
  const statement = { ...statementOf(storage.dialect, query, {}), returns: true }
  const [rows = []] = await storage.read({ user }, [statement])
  if (rows.length > maxItems) {
    const problem = `the range has more than ${maxItems} values: take a shorter one, or interval day`
    throw invalidInput(`${what}.from`, problem)
  }
  return rows.map((row) => intervalOf(row, length))
}

const intervalOf = ({ at, scorer, team, runs, mean, min, max }: Row, length: number): ScoreInterval => ({
  at: new Date(Number(at) * length).toISOString(),
  scorer: String(scorer),
  ...(team === null ? {} : { team: String(team) }),
  runs: Number(runs),
  mean: Number(mean),
  min: Number(min),
  max: Number(max),
})
