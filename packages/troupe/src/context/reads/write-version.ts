/** Finds versions by the ids of the writes that created or ended them, which their rows retain. */
import { failure, type UserId } from '../../core/index.ts'
import type { Row } from '../../storage/index.ts'
import { type EntryRow, entryRow, type HistoryRow, historyRow } from '../entries/entry-row.ts'
import type { Committed, MeshCore } from '../mesh-core.ts'
import { now } from '../statements/visibility.ts'

/** The current entry of a key. An expired one is invisible, and stored until the next cleanup. */
export interface CurrentRow extends EntryRow {
  readonly isLive: boolean
}

const currentRow = (row: Row): CurrentRow => ({ ...entryRow(row), isLive: Number(row.live) === 1 })

/**
 * Reads the current entries of the keys of writes, and the versions that these writes created or ended.
 * @param writes feed items: the data of each is the id of the write
 * @param maxBytes a longer value is not read, and its row has none
 */
export async function readWrites(
  core: MeshCore,
  user: UserId,
  writes: readonly { readonly key: string; readonly data: string }[],
  maxBytes: number,
): Promise<{ readonly entries: readonly CurrentRow[]; readonly history: readonly HistoryRow[] }> {
  const keys = JSON.stringify([...new Set(writes.map(({ key }) => key))])
  const changes = JSON.stringify(writes.map(({ data }) => data))
  const [entries = [], history = []] = await core.read(
    user,
    core.reads.changedEntries({ user, keys, now, maxBytes }),
    core.reads.changedHistory({ user, keys, changes, maxBytes }),
  )
  return {
    entries: entries.map(currentRow),
    history: history.map(historyRow),
  }
}

/** @throws ConflictError `context.pruned` if the version is no longer in the history */
export async function writeVersion(
  core: MeshCore,
  user: UserId,
  { key, change }: { readonly key: string; readonly change: string },
): Promise<EntryRow> {
  const { entries, history } = await readWrites(core, user, [{ key, data: change }], Number.MAX_SAFE_INTEGER)
  const found = [...entries, ...history].find((row) => row.change === change)
  if (!found) throw failure('context.pruned', { key })
  return found
}

/** Returns the version of a push by the statement `put`. A commit whose answer was lost has no rows. */
export async function pushedVersion(
  core: MeshCore,
  user: UserId,
  push: { readonly key: string; readonly change: string },
  committed: Committed,
  put: number,
): Promise<number> {
  const row = committed.rows[put]?.[0]
  return row ? Number(row.version) : (await writeVersion(core, user, push)).version
}
