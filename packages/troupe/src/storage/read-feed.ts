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
  const itemsWith = async (sql: string, ...binds: readonly number[]): Promise<FeedPage> => {
    const [heads, rows = []] = await read([
      { sql: head, binds: [user], returns: true },
      { sql, binds: [user, ...binds], returns: true },
    ])
    const state = heads?.[0] as { readonly revision: number; readonly horizon: number } | undefined
    if (!state) return { items: [], head: 0, horizon: 0 }
    const { revision, horizon } = state
    return { items: after < horizon ? [] : (rows as readonly FeedRow[]), head: revision, horizon }
  }
  const found = await itemsWith(page, after, limit + 1)
  if (found.items.length <= limit) return found
  const cut = (found.items[limit] as FeedRow).revision
  const items = found.items.filter(({ revision }) => revision < cut)
  // The clean-up may remove items between the two reads, so the second one checks the horizon too.
  return items.length > 0 ? { ...found, items } : itemsWith(revisionItems, cut)
}
