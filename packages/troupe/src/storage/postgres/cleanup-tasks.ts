/** Removes ids of changes and items of the feed when their retention is over. For a `StorageCleanup`. */
import type { StorageCleanupOptions } from '../cleanup/storage-cleanup.ts'
import type { RetentionBounds } from '../cleanup/storage-retention.ts'
import type { Transactions } from './transactions.ts'

/** The maximum number of rows of each kind in one change. */
const step = 500

/** Returns a single task for all kinds of rows: a function of the database has access to the rows of all users. */
export const storageCleanupTasks = (transactions: Transactions): StorageCleanupOptions['cleanupTasks'] => [
  (bounds) => cleanup(transactions, bounds),
]

/** @returns whether there may be more to remove */
async function cleanup(
  transactions: Transactions,
  { changeIdsMs, feedMs, feedRevisions }: RetentionBounds,
): Promise<boolean> {
  const now = { $: 'now' } as const
  const scope = { work: true } as const
  const statement = {
    sql: 'select troupe_cleanup($1, $2, $3, $4) as gone',
    binds: [{ ...now, plusMs: -changeIdsMs }, { ...now, plusMs: -feedMs }, feedRevisions, step],
    returns: true,
  }
  const change = { id: null, scope, statements: [statement] }
  const [outcome] = await transactions.changes([{ change, id: null, unknown: false }])
  if (outcome?.kind !== 'done') throw outcome?.error
  return Number(outcome.rows[0]?.[0]?.gone ?? 0) > 0
}
