/** Removes ids of changes and items of the feed when their retention is over. For a `StorageCleanup`. */
import type { Clock } from '../../core/index.ts'
import type { Statement } from '../changes/statement.ts'
import type { StorageCleanupOptions } from '../cleanup/storage-cleanup.ts'
import type { Row, Storage } from '../storage-port.ts'

/** The maximum number of rows in one change. */
const step = 500
/** A feed is cut only when it exceeds the bound by this factor, so that it is cut once in many commits. */
const slack = 1.25

type CleanupStorage = Pick<Storage, 'commit' | 'read'>

/**
 * Returns one task per kind of rows; each returns whether more rows may remain.
 *
 * Invariant: the change that removes items also raises the user's horizon above them.
 */
export const storageCleanupTasks = (storage: CleanupStorage, clock: Clock): StorageCleanupOptions['cleanupTasks'] => [
  ({ changeIdsMs }) => ids(storage, clock.now() - changeIdsMs),
  ({ feedMs }) => old(storage, clock.now() - feedMs),
  ({ feedRevisions }) => excess(storage, feedRevisions),
]

async function ids(storage: CleanupStorage, before: number): Promise<boolean> {
  const sql = `delete from storage_changes where (id, user_id) in
    (select id, user_id from storage_changes where at < ? order by at limit ${step})`
  return (await change(storage, [{ sql, binds: [before] }])) === step
}

async function old(storage: CleanupStorage, before: number): Promise<boolean> {
  const [row] = await rows(
    storage,
    `select max(n) as n, count(*) as count from (select n, at from storage_feed order by n limit ${step}) where at < ?`,
    before,
  )
  if (!row || row.n === null) return false
  const last = row.n as number
  const raise = `update storage_revisions set horizon = max(horizon, (select max(revision) from storage_feed
      where storage_feed.user_id = storage_revisions.user_id and n <= ?))
    where user_id in (select user_id from storage_feed where n <= ?)`
  await change(storage, [
    { sql: raise, binds: [last, last] },
    { sql: 'delete from storage_feed where n <= ?', binds: [last] },
  ])
  return row.count === step
}

async function excess(storage: CleanupStorage, bound: number): Promise<boolean> {
  const above = Math.floor(bound * slack)
  // With a literal the engine can use the partial index, which contains only users with long feeds.
  const indexed = above >= 10_000 ? 'revision - horizon > 10000 and' : ''
  const sql = `select user_id, revision, horizon from storage_revisions where ${indexed} revision - horizon > ? limit 1`
  const [row] = await rows(storage, sql, above)
  if (!row) return false
  const user = row.user_id as string
  const horizon = Math.min((row.horizon as number) + step, (row.revision as number) - bound)
  await change(storage, [
    { sql: 'update storage_revisions set horizon = max(horizon, ?) where user_id = ?', binds: [horizon, user] },
    { sql: 'delete from storage_feed where user_id = ? and revision <= ?', binds: [user, horizon] },
  ])
  return true
}

async function rows(storage: CleanupStorage, sql: string, bind: number): Promise<readonly Row[]> {
  return (await storage.read({ work: true }, [{ sql, binds: [bind], returns: true }]))[0] ?? []
}

/** Returns the number of rows that the last statement removed. */
async function change(storage: CleanupStorage, statements: readonly Statement[]): Promise<number> {
  const result = await storage.commit({ id: null, scope: { work: true }, statements })
  return result.ok ? (result.affected.at(-1) ?? 0) : 0
}
