/**
 * The usage of each run by model: one row without content, which is read across all users. The row is written with the
 * status of the run, and while the run executes at most every ten seconds.
 */
import { sql } from 'kysely'
import type { UsageByModel, UserId } from '../../../../core/index.ts'
import { type Dialect, type SqlQuery, type Statement, templates } from '../../../../storage/index.ts'
import type { RunResult } from '../../run-result.ts'

/**
 * `models` is JSON: `{ MODEL: [input tokens, output tokens, US dollars, 1 if the price is unknown] }`. The columns `earlier_…`
 * have the usage of runs of releases that recorded no models.
 */
export const runUsageTable: readonly string[] = [
  `create table run_usage (
    user_id text not null, run_id text not null, created_at bigint not null, team text, models text not null,
    earlier_tokens bigint not null default 0, earlier_cost double precision not null default 0,
    earlier_unpriced bigint not null default 0, primary key (user_id, run_id))`,
  'create index run_usage_by_time on run_usage (created_at)',
  'create index run_usage_of_user on run_usage (user_id, created_at)',
]

/** The usage of a child run is part of its parent's row in `runs`. */
export const earlierUsage = `insert into run_usage
  (user_id, run_id, created_at, team, models, earlier_tokens, earlier_cost, earlier_unpriced)
  select user_id, run_id, created_at, team, '{}', tokens, cost, unpriced from runs where tokens > 0 and parent is null`

/**
 * Returns a query of the usage of runs by model: the columns `user_id`, `run_id`, `created_at`, `team`, `model` (null if unknown),
 * `input`, `output`, `tokens`, `cost` and `unpriced`.
 * @param range a condition on the table `run_usage u`
 */
export function usageOfRuns({ name }: Dialect, range: SqlQuery): SqlQuery {
  const isSqlite = name === 'sqlite'
  const at = (index: number, type: 'bigint' | 'double precision') =>
    isSqlite
      ? sql`json_extract(m.value, ${sql.lit(`$[${index}]`)})`
      : sql`cast(m.value ->> ${sql.lit(index)} as ${sql.raw(type)})`
  const each = isSqlite ? sql`json_each(u.models) m` : sql`json_each(cast(u.models as json)) m`
  const run = sql`u.user_id, u.run_id, u.created_at, u.team`
  return sql`select ${run}, nullif(m.key, '') as model,
      ${at(0, 'bigint')} as input, ${at(1, 'bigint')} as output, ${at(0, 'bigint')} + ${at(1, 'bigint')} as tokens,
      ${at(2, 'double precision')} as cost, ${at(3, 'bigint')} as unpriced
    from run_usage u cross join ${each} where ${range}
    union all
    select ${run}, cast(null as text), 0, 0, u.earlier_tokens, u.earlier_cost, u.earlier_unpriced
    from run_usage u where ${range} and u.earlier_tokens > 0`
}

/** ms between two writes while a run executes. */
export const usageWriteIntervalMs = 10_000

/** Returns the stored form of usage. */
export function storedUsage(models: UsageByModel): string {
  const stored = Object.entries(models).map(([model, { inputTokens, outputTokens, cost }]) => {
    const values = [inputTokens, outputTokens, cost ?? 0, cost === undefined ? 1 : 0]
    return `${JSON.stringify(model)}:${JSON.stringify(values)}`
  })
  return `{${stored.join()}}`
}

/** A column of queries over `runs r`: the stored usage of a run that executes, and null for other runs. */
export const spentColumn = sql`(select u.models from run_usage u
  where r.result is null and u.user_id = r.user_id and u.run_id = r.run_id) as spent`

/** Returns the sums of stored usage. */
export function sumsOf(stored: string): Pick<RunResult, 'usage' | 'cost'> {
  const models = Object.entries(JSON.parse(stored) as Record<string, readonly [number, number, number, 0 | 1]>)
  const sum = (index: 0 | 1 | 2) => models.reduce((total, [, values]) => total + values[index], 0)
  return {
    usage: { inputTokens: sum(0), outputTokens: sum(1) },
    cost: { usd: sum(2), unknown: models.flatMap(([model, [, , , isUnpriced]]) => (isUnpriced ? [model] : [])) },
  }
}

/** Returns the statement that stores the usage of a run, whose row is there. */
export const saveRunUsage = (
  dialect: Dialect,
): ((values: { readonly user: UserId; readonly run: string; readonly models: string }) => Statement) =>
  templates(dialect)<{ user: UserId; run: string; models: string }>(
    (p) =>
      sql`insert into run_usage (user_id, run_id, created_at, team, models)
        select r.user_id, r.run_id, r.created_at, r.team, ${p.models} from runs r
        where r.user_id = ${p.user} and r.run_id = ${p.run}
        on conflict (user_id, run_id) do update set models = excluded.models`,
  )
