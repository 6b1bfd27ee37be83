/**
 * Finds runs of all users. The candidates come from the work tables, which hold no content. The rows of the runs are
 * then read user by user, each in the scope of that user.
 */
import { type RawBuilder, sql } from 'kysely'
import type { UserId } from '../../../../core/index.ts'
import { type Dialect, oneOf, type Row, type Storage, statementOf } from '../../../../storage/index.ts'
import { listedColumns } from '../run-filter.ts'
import { runContent } from '../run-migrations.ts'
import { type RunRow, type RunStore, runRowOf } from '../run-store.ts'
import { eachOf } from '../run-words.ts'
import { spentColumn } from '../usage/run-usage.ts'

/** Which runs a list of all users has; `waiting` are those of the open ones that wait for a person, also if other branches work, or are paused. */
export type AllRunsStatus = 'open' | 'waiting' | 'ended' | 'failed'

/** A run by its position in the list. `at` is the time of the end, in ms since 1970; 0 for open runs. */
export interface RunPosition {
  readonly at: number
  readonly user: UserId
  readonly run: string
}

/** A run that is in the list. */
export interface FoundRun extends RunPosition {
  readonly row: RunRow
}

interface Stores {
  readonly storage: Pick<Storage, 'dialect' | 'read'>
  readonly store: Pick<RunStore, 'open'>
}

/** The number of users whose rows are read concurrently. */
const concurrentUsers = 8

/**
 * Returns the next candidates of the list: open runs by user and id, ended runs by the time of their end, the newest
 * first. A candidate may have changed its status in the meantime.
 */
export async function candidateRuns(
  { storage, store }: Stores,
  status: AllRunsStatus,
  limit: number,
  after: RunPosition | undefined,
): Promise<readonly RunPosition[]> {
  if (status === 'open' || status === 'waiting')
    return (await store.open(limit, after)).map(({ user, run }) => ({ at: 0, user, run }))
  const [rows = []] = await storage.read({ work: true }, [endedRuns(storage.dialect, status, limit, after)])
  return rows.map((row) => ({ at: Number(row.at), user: row.user_id as string, run: row.run_id as string }))
}

/** The condition on failed runs is that of the index `runs_ended_failed`. */
function endedRuns(dialect: Dialect, status: 'ended' | 'failed', limit: number, after: RunPosition | undefined) {
  const where = [
    ...(status === 'failed' ? [sql`(status is null or status = 'failed')`] : []),
    ...(after ? [sql`(at, user_id, run_id) < (${after.at}, ${after.user}, ${after.run})`] : []),
  ]
  const condition = where.length === 0 ? sql`` : sql`where ${sql.join(where, sql` and `)}`
  const query = sql`select at, user_id, run_id from runs_ended ${condition}
    order by at desc, user_id desc, run_id desc limit ${limit}`
  return { ...statementOf(dialect, query, {}), returns: true }
}

const conditions: Readonly<Record<AllRunsStatus, RawBuilder<unknown>>> = {
  open: sql`ended_at is null`,
  waiting: sql`(status = 'waiting' or reason = 'question')`,
  ended: sql`ended_at is not null`,
  failed: sql`status = 'failed'`,
}

/** Returns those of the candidates that are in the list now, in their order. Runs of erased users are missing. */
export async function readCandidates(
  { storage }: Pick<Stores, 'storage'>,
  status: AllRunsStatus,
  candidates: readonly RunPosition[],
): Promise<readonly FoundRun[]> {
  const ofUser = Map.groupBy(candidates, ({ user }) => user)
  const users = [...ofUser.keys()]
  const found = new Map<UserId, ReadonlyMap<string, RunRow>>()
  const read = async (user: UserId) => {
    const runs = (ofUser.get(user) ?? []).map(({ run }) => run)
    const [rows = []] = await storage.read({ user }, [rowsOf(storage.dialect, status, user, runs)])
    found.set(user, new Map(rows.map((row: Row) => [row.run_id as string, runRowOf(row)])))
  }
  for (let i = 0; i < users.length; i += concurrentUsers)
    await Promise.all(users.slice(i, i + concurrentUsers).map(read))
  return candidates.flatMap((candidate) => {
    const row = found.get(candidate.user)?.get(candidate.run)
    return row ? [{ ...candidate, row }] : []
  })
}

function rowsOf(dialect: Dialect, status: AllRunsStatus, user: UserId, runs: readonly string[]) {
  const ids = sql`select each.value from ${eachOf(dialect, JSON.stringify(runs))}`
  const query = sql`select ${listedColumns}, ${spentColumn} from runs r where user_id = ${user} and run_id ${oneOf(dialect, ids)}
    and ${conditions[status]}`
  return { ...statementOf(dialect, query, runContent('run_id')), returns: true }
}
