/** What of a file is let go of: ids of changes, items of the feed. For a `Sweeper`. */
import type { Clock } from '../../core/index.ts'
import type { Row, Storage } from '../port.ts'
import type { Statement } from '../statement.ts'
import type { SweeperOptions } from '../sweeper.ts'

/** Rows in one change. */
const step = 500
/** A user is cut back when so much above the bound, so that it happens once in many commits. */
const slack = 1.25

type Swept = Pick<Storage, 'commit' | 'read'>

/**
 * Each says whether there may be more for it.
 *
 * Invariant: the floor of a user is raised in the change that removes what lies below it.
 */
export const sweepsOf = (storage: Swept, clock: Clock): SweeperOptions['sweeps'] => [
  ({ changeIdsMs }) => ids(storage, clock.now() - changeIdsMs),
  ({ feedMs }) => old(storage, clock.now() - feedMs),
  ({ feedRevisions }) => many(storage, feedRevisions),
]

async function ids(storage: Swept, before: number): Promise<boolean> {
  const sql = `delete from storage_changes where (id, user_id) in
    (select id, user_id from storage_changes where at < ? order by at limit ${step})`
  return (await change(storage, [{ sql, binds: [before] }])) === step
}

async function old(storage: Swept, before: number): Promise<boolean> {
  const [row] = await rows(
    storage,
    `select max(n) as n, count(*) as count from (select n, at from storage_feed order by n limit ${step}) where at < ?`,
    before,
  )
  if (!row || row.n === null) return false
  const last = row.n as number
  const raise = `update storage_revisions set floor = max(floor, (select max(revision) from storage_feed
      where storage_feed.user_id = storage_revisions.user_id and n <= ?))
    where user_id in (select user_id from storage_feed where n <= ?)`
  await change(storage, [
    { sql: raise, binds: [last, last] },
    { sql: 'delete from storage_feed where n <= ?', binds: [last] },
  ])
  return row.count === step
}

async function many(storage: Swept, bound: number): Promise<boolean> {
  const above = Math.floor(bound * slack)
  // The literal lets the engine use the partial index, which holds only such users.
  const indexed = above >= 10_000 ? 'revision - floor > 10000 and' : ''
  const sql = `select user_id, revision, floor from storage_revisions where ${indexed} revision - floor > ? limit 1`
  const [row] = await rows(storage, sql, above)
  if (!row) return false
  const user = row.user_id as string
  const floor = Math.min((row.floor as number) + step, (row.revision as number) - bound)
  await change(storage, [
    { sql: 'update storage_revisions set floor = max(floor, ?) where user_id = ?', binds: [floor, user] },
    { sql: 'delete from storage_feed where user_id = ? and revision <= ?', binds: [user, floor] },
  ])
  return true
}

async function rows(storage: Swept, sql: string, bind: number): Promise<readonly Row[]> {
  return (await storage.read({ work: true }, [{ sql, binds: [bind], returns: true }]))[0] ?? []
}

/** How many rows the last statement removed. */
async function change(storage: Swept, statements: readonly Statement[]): Promise<number> {
  const result = await storage.commit({ id: null, scope: { work: true }, statements })
  return result.ok ? (result.affected.at(-1) ?? 0) : 0
}
