/**
 * Deletes ended runs after their retention: the row with the result, the search index, budgets, commands and online scores.
 * Their journals and threads are deleted earlier, by `retention.replay`. A row without content has the time of each end.
 */
import { sql } from 'kysely'
import type { Clock, UserId } from '../../../core/index.ts'
import { type Bind, type Dialect, oneOf, type Statement, type Storage, templates } from '../../../storage/index.ts'
import { eachOf } from './run-words.ts'

export const endedRunsTables: readonly string[] = [
  'create table runs_ended (user_id text not null, run_id text not null, at bigint not null, primary key (user_id, run_id))',
  'create index runs_ended_order on runs_ended (at)',
]

/**
 * `status` is null in rows that the previous release writes during a rolling update; the row of the run then tells
 * whether the run failed.
 */
const endedStatus = [
  `update runs_ended set status = (select r.status from runs r
    where r.user_id = runs_ended.user_id and r.run_id = runs_ended.run_id)`,
  "create index runs_ended_failed on runs_ended (at, user_id, run_id) where status is null or status = 'failed'",
]

/** The statements that add the status of each ended run, by which the failed runs of all users are found. */
export const endedStatusColumn = {
  sqlite: ['alter table runs_ended add column status text', ...endedStatus],
  postgres: ['alter table runs_ended add column status text collate "C"', ...endedStatus],
}

/** The number of runs that one change deletes. */
const batchSize = 100
const rowsOf = [
  'run_labels',
  'run_commands',
  'budgets',
  'budget_pools',
  'budget_shares',
  'run_usage',
  'online_scores',
  'runs',
  'runs_ended',
] as const

export interface EndedRuns {
  /** The retention in ms from the end of a run. */
  readonly retentionMs: number
  /** Deletes at most `limit` expired runs, the oldest first. @returns the number of deleted runs */
  cleanup(limit: number): Promise<number>
}

export function createEndedRuns({
  storage,
  clock,
  retentionMs,
}: {
  readonly storage: Pick<Storage, 'dialect' | 'read' | 'commit'>
  readonly clock: Clock
  readonly retentionMs: number
}): EndedRuns {
  const { before, removals } = compile(storage.dialect)
  return {
    retentionMs,
    async cleanup(limit) {
      const at = clock.now() - retentionMs
      const [rows = []] = await storage.read({ work: true }, [before({ at, limit }, { returns: true })])
      const ofUser = new Map<UserId, string[]>()
      for (const { user_id: user, run_id: run } of rows as readonly { user_id: string; run_id: string }[])
        ofUser.set(user, [...(ofUser.get(user) ?? []), run])
      for (const [user, runs] of ofUser)
        for (let i = 0; i < runs.length; i += batchSize) {
          const gone = { user, runs: JSON.stringify(runs.slice(i, i + batchSize)) }
          await storage.commit({ id: null, scope: { user }, statements: removals.map((remove) => remove(gone)) })
        }
      return rows.length
    },
  }
}

interface EndedRow {
  readonly user: string
  readonly run: string
  readonly status: string
  readonly now: Bind
}

/** Returns the statement that records the end of a run, for the change that ends it. */
export const runEnded = (dialect: Dialect): ((values: EndedRow) => Statement) =>
  templates(dialect)<{ user: string; run: string; status: string; now: Bind }>(
    (p) =>
      sql`insert into runs_ended (user_id, run_id, at, status) values (${p.user}, ${p.run}, ${p.now}, ${p.status})
        on conflict do nothing`,
  )

/** The results of experiments and evaluations remain without their runs. */
const onlineScores = sql`evaluated_runs where kind = 'online' and evaluation`

function compile(dialect: Dialect) {
  const compiled = templates(dialect)
  return {
    before: compiled<{ at: number; limit: number }>(
      (p) => sql`select user_id, run_id from runs_ended where at <= ${p.at} order by at limit ${p.limit}`,
    ),
    removals: [...rowsOf.map((table) => sql`${sql.table(table)} where run_id`), onlineScores].map((rows) =>
      compiled<{ user: string; runs: string }>(
        (p) => sql`delete from ${rows} ${oneOf(dialect, sql`select each.value from ${eachOf(dialect, p.runs)}`)}
          and user_id = ${p.user}`,
      ),
    ),
  }
}
