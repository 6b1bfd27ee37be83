/** Entries in the record of a step: with their value up to 4 KB, otherwise with a reference to the version that was read. */
import type { Json } from '../../core/index.ts'
import type { Entry } from '../context-client.ts'
import type { MeshCore } from '../mesh-core.ts'
import { writeVersion } from '../reads/write-version.ts'
import type { StagedEntry } from '../writes/overlay.ts'
import { type EntryRow, toEntry } from './entry-row.ts'

/** The row as JSON, with its value or the id of the write that created it. */
export type RecordedEntry = { readonly [key: string]: Json } & {
  readonly row: { readonly [key: string]: Json }
  readonly json: string | null
}

const inline = 4_096

/** @param byReference false to record a value of any size */
export async function recordEntry(
  core: MeshCore,
  user: string,
  row: EntryRow,
  byReference: boolean,
): Promise<RecordedEntry> {
  const { value, ...rest } = row
  const json = byReference && row.stored > inline ? null : await core.loadJson(user, value)
  return { row: rest as unknown as { readonly [key: string]: Json }, json }
}

export function recordStaged(entry: StagedEntry): RecordedEntry {
  const { json, ...row } = entry
  return { row: { ...row, revision: null } as unknown as { readonly [key: string]: Json }, json }
}

/** @throws ConflictError `context.pruned` if the version that was read is no longer in the history */
export async function restoreEntry(core: MeshCore, user: string, recorded: RecordedEntry): Promise<Entry> {
  const row = recorded.row as unknown as EntryRow
  const stored = recorded.json === null ? (await writeVersion(core, user, row)).value : { json: recorded.json }
  const { revision, ...entry } = toEntry(row, await core.loadValue(user, stored))
  return recorded.row.revision === null || revision === undefined ? entry : { ...entry, revision }
}
