/**
 * The versions of an entry, oldest first, for readers of the current entry. Versions of an earlier entry under the same
 * key are shown only to agents that its audience named.
 */
import { decodeCursor, encodeCursor, failure } from '../../core/index.ts'
import type { HistoryEntry, HistoryOptions } from '../context-client.ts'
import { mayRead } from '../entries/audience.ts'
import { type EntryRow, type HistoryRow, historyRow, toHistoryEntry } from '../entries/entry-row.ts'
import type { Actor } from '../entries/fragments.ts'
import type { MeshServices } from '../mesh-services.ts'
import type { FoundPage } from './entry-reads.ts'
import { checkLimit } from './listing.ts'

const chunk = 200

export async function findHistory(
  mesh: MeshServices,
  actor: Actor,
  key: string,
  options: HistoryOptions,
): Promise<FoundPage<HistoryEntry>> {
  const limit = checkLimit(options.limit)
  const after = options.cursor === undefined ? 0 : versionOf(decodeCursor(options.cursor))
  const current = await mesh.entry(actor, key)
  if (!current && !actor.all) return { items: [], cursor: undefined }
  // More versions are stored for watchers than are shown.
  const first = current ? current.version - mesh.core.limits.history - 1 : 0
  const found = await older(mesh, actor, key, current, Math.max(after, first), limit)
  const items = await Promise.all(found.map((row) => shown(mesh, actor, row, row.ended)))
  if (found.length === limit) return { items, cursor: encodeCursor(String(found.at(-1)?.version)) }
  if (current && current.version > after) items.push(await shown(mesh, actor, current, undefined))
  return { items, cursor: undefined }
}

/** @throws ValidationError `cursor.invalid` for that of another list */
function versionOf(cursorText: string): number {
  if (!/^\d{1,15}$/.test(cursorText)) throw failure('cursor.invalid')
  return Number(cursorText)
}

const shown = async (mesh: MeshServices, actor: Actor, row: EntryRow, ended: HistoryEntry['ended']) =>
  toHistoryEntry(row, await mesh.core.loadValue(actor.user, row.value), ended)

async function older(
  mesh: MeshServices,
  actor: Actor,
  key: string,
  current: EntryRow | undefined,
  after: number,
  limit: number,
) {
  const subscribed = new Set(await mesh.core.subscriptions(actor))
  const found: HistoryRow[] = []
  for (let from = after; ; ) {
    const [rows = []] = await mesh.core.read(
      actor.user,
      mesh.core.reads.history({ user: actor.user, key, after: from, limit: chunk }),
    )
    for (const row of rows.map(historyRow)) {
      from = row.version
      const allowed = (current && row.version >= current.born) || mayRead(row, actor, subscribed)
      if (allowed) found.push(row)
      if (found.length === limit) return found
    }
    if (rows.length < chunk) return found
  }
}
