/** Lists the writes after a revision, for trusted code that follows a user's context across restarts. */
import type { UserId } from '../../core/index.ts'
import { isTopic } from '../entries/audience.ts'
import type { EntryRow } from '../entries/entry-row.ts'
import type { MeshCore } from '../mesh-core.ts'
import { readWrites } from './write-version.ts'

export interface WrittenEntry {
  readonly key: string
  readonly revision: number
  /** The position within its revision. */
  readonly ordinal: number
  /** The version of the entry, if it is still stored. */
  readonly version?: number
  readonly topics?: readonly string[]
}

export interface Written {
  /** In order of their writes. */
  readonly entries: readonly WrittenEntry[]
  /** The revision up to which all writes were examined. */
  readonly revision: number
  /** True if the single changes after the revision are not stored any more. */
  readonly lost: boolean
}

const pageSize = 256

/** Returns one page of writes. The next page begins at its `revision`. */
export async function writtenSince(core: MeshCore, user: UserId, after: number): Promise<Written> {
  const page = await core.storage.feed(user, after, pageSize)
  // The position is after the head, because the user was erased.
  if (after < page.horizon || after > page.head) return { entries: [], revision: page.head, lost: true }
  const puts = page.items.filter(({ kind }) => kind === 'put')
  const rows = await versionsOf(core, user, puts)
  const entries = puts.map(({ key, revision, ordinal, data }) => {
    const row = rows.get(data)
    const at = { key, revision, ordinal }
    return row ? { ...at, version: row.version, topics: row.grantees.filter(isTopic).map((name) => name.slice(1)) } : at
  })
  return { entries, revision: page.items.at(-1)?.revision ?? after, lost: false }
}

/** Reads versions by the write that made them. */
async function versionsOf(
  core: MeshCore,
  user: UserId,
  puts: readonly { readonly key: string; readonly data: string }[],
): Promise<ReadonlyMap<string, EntryRow>> {
  if (puts.length === 0) return new Map()
  const { entries, history } = await readWrites(core, user, puts, 0)
  return new Map([...history, ...entries].map((row) => [row.change, row]))
}
