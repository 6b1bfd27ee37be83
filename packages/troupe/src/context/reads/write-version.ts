/** The version that a write made, found by the name of the write: each has its own, and it is in the row for good. */
import { failure, type UserId } from '../../core/index.ts'
import { type EntryRow, entryRow, historyRow } from '../entries/entry-row.ts'
import type { Committed, MeshCore } from '../mesh-core.ts'

/** @throws ConflictError `context.pruned` when it is gone from the history */
export async function writeVersion(
  core: MeshCore,
  user: UserId,
  { key, change }: { readonly key: string; readonly change: string },
): Promise<EntryRow> {
  const [keys, changes] = [JSON.stringify([key]), JSON.stringify([change])]
  const [entries = [], history = []] = await core.read(
    user,
    core.reads.changedEntries({ user, keys }),
    core.reads.changedHistory({ user, keys, changes }),
  )
  const found = [...entries.map(entryRow), ...history.map(historyRow)].find((row) => row.change === change)
  if (!found) throw failure('context.pruned', { key })
  return found
}

/** The version of a push whose answer is the statement `put`. What was committed and then lost its answer has no rows. */
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
