/** Reads the change feed in pages of complete revisions: a watcher continues after a revision, never within one. */
import type { UserId } from '../core/index.ts'
import type { Statement } from './changes/statement.ts'
import type { FeedPage, FeedRow, Row } from './storage-port.ts'

const head = 'select revision, horizon from storage_revisions where user_id = ?'
const page = `select revision, ordinal, at, kind, key, data from storage_feed
  where user_id = ? and revision > ? order by revision, ordinal limit ?`
const revisionItems = `select revision, ordinal, at, kind, key, data from storage_feed
  where user_id = ? and revision = ? order by ordinal`

/** Reads on one snapshot per call, like `Storage.read`. */
type Read = (statements: readonly Statement[]) => readonly (readonly Row[])[] | Promise<readonly (readonly Row[])[]>

/**
 * Reads one page of the feed.
 * @param limit the number of items; a page is longer if a single revision is longer
 * @returns no items if `after` is below the horizon: items were removed, and the reader must resync
 */
export async function readFeed(read: Read, user: UserId, after: number, limit: number): Promise<FeedPage> {
  const [heads, rows] = await read([
    { sql: head, binds: [user], returns: true },
    { sql: page, binds: [user, after, limit + 1], returns: true },
  ])
  const state = heads?.[0] as { readonly revision: number; readonly horizon: number } | undefined
  if (!state) return { items: [], head: 0, horizon: 0 }
  const found = (rows ?? []) as readonly FeedRow[]
  const bounds = { head: state.revision, horizon: state.horizon }
  if (after < state.horizon) return { items: [], ...bounds }
  if (found.length <= limit) return { items: found, ...bounds }
  const cut = (found[limit] as FeedRow).revision
  const items = found.filter(({ revision }) => revision < cut)
  if (items.length > 0) return { items, ...bounds }
  const [all] = await read([{ sql: revisionItems, binds: [user, cut], returns: true }])
  return { items: (all ?? []) as readonly FeedRow[], ...bounds }
}
