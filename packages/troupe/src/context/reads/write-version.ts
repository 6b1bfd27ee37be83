/** Finds the version of a write by the id of the write, which its row retains. */
import { failure, type UserId } from '../../core/index.ts'
import { type EntryRow, entryRow, historyRow } from '../entries/entry-row.ts'
import type { Committed, MeshCore } from '../mesh-core.ts'

/** @throws ConflictError `context.pruned` if the version is no longer in the history */
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
