/** The entries of topics at a revision: current entries that existed then, and versions that ended later. */
import { compareKeys } from '../../../core/index.ts'
import { type EntryRow, entryRow, historyRow } from '../../entries/entry-row.ts'
import { afterKey } from '../../entries/pattern.ts'
import type { MeshCore } from '../../mesh-core.ts'
import { maxPageValue } from './watch-reads.ts'

/** Thrown if there were too many changes since the revision; the watcher must resync. */
export class ChangeLimitExceeded extends Error {}

/**
 * The rows of one read, and the topics that it covers: most topics have few entries, and a separate read of each would
 * cost a round trip.
 */
const chunk = 500
const topicsPerRead = 50
const maxStates = 10_000
const maxChanges = 1_000

/** @throws ChangeLimitExceeded over 10,000 entries, or 1,000 changes since the revision */
export async function statesOfTopics(
  core: MeshCore,
  user: string,
  grantees: readonly string[],
  revision: number,
): Promise<readonly EntryRow[]> {
  const states = new Map<string, EntryRow>()
  const left = grantees.map((grantee) => ({ grantee, from: '' }))
  while (left.length > 0) {
    const asked = left.splice(0, topicsPerRead)
    const limit = Math.ceil(chunk / asked.length)
    const pages = await core.read(
      user,
      ...asked.map((page) => core.reads.ofTopic({ user, ...page, limit, maxBytes: maxPageValue })),
    )
    for (const [i, { grantee }] of asked.entries()) {
      const rows = (pages[i] ?? []).map(entryRow)
      for (const row of rows) if (row.revision <= revision) states.set(row.key, row)
      const last = rows.at(-1)
      if (last && rows.length === limit) left.push({ grantee, from: afterKey(last.key) })
    }
    if (states.size > maxStates) throw new ChangeLimitExceeded()
  }
  for (const row of await endedSince(core, user, revision))
    if (!states.has(row.key) && row.grantees.some((grantee) => grantees.includes(grantee))) states.set(row.key, row)
  return [...states.values()].sort((a, b) => compareKeys(a.key, b.key))
}

/** For every key written since the revision: the version at the revision, if there was one. */
async function endedSince(core: MeshCore, user: string, revision: number): Promise<readonly EntryRow[]> {
  const first = new Map<string, string>()
  let seen = 0
  for (let after = revision; ; ) {
    const page = await core.storage.feed(user, after, chunk)
    if (after < page.horizon) throw new ChangeLimitExceeded()
    for (const { kind, key, data } of page.items) {
      if (kind !== 'subscription' && !first.has(key)) first.set(key, data)
      seen++
    }
    if (seen > maxChanges) throw new ChangeLimitExceeded()
    const last = page.items.at(-1)
    if (!last) break
    after = last.revision
  }
  if (first.size === 0) return []
  const [keys, changes] = [JSON.stringify([...first.keys()]), JSON.stringify([...first.values()])]
  const [rows = []] = await core.read(user, core.reads.changedHistory({ user, keys, changes, maxBytes: maxPageValue }))
  return rows.map(historyRow).filter((row) => first.get(row.key) === row.endedChange && row.revision <= revision)
}
