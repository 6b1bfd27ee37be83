/** Reads a journal: its head, its latest snapshot, and the records after it, in the present form. */
import { decodeJson, failure, type Json } from '../../core/index.ts'
import type { Blobs, Row, ValueRef } from '../../storage/index.ts'
import type { JournalId, JournalKind, JournalRecord, Upcaster } from '../journal-port.ts'

export interface ReadOptions {
  readonly blobs: Blobs | undefined
  readonly upcaster: Upcaster | undefined
}

/** The version of bodies without an upcaster. */
export const firstVersion = 1
export const versionOf = (upcaster: Upcaster | undefined): number => upcaster?.version ?? firstVersion

export async function readRecordBody(
  user: string,
  journal: JournalId,
  row: Row,
  column: 'body' | 'state',
  { blobs, upcaster }: ReadOptions,
): Promise<Json> {
  const text = row[column] as string | null
  const found = Number(row.version)
  const known = versionOf(upcaster)
  if (found > known) throw failure('journal.newer', { journal, found, known })
  const body = decodeJson(text ?? (await loadBlob(user, journal, row.blob as string, blobs)))
  return found < known && upcaster ? upcaster.upcast(body, found) : body
}

function loadBlob(user: string, journal: JournalId, reference: string, blobs: Blobs | undefined): Promise<string> {
  if (!blobs)
    throw failure('invariant.broken', {
      rule: `the journal ${journal} was written with large values, and is read with them`,
    })
  return blobs.load(user, decodeJson(reference) as ValueRef)
}

export async function readRecords(
  user: string,
  journal: JournalId,
  rows: readonly Row[],
  options: ReadOptions,
): Promise<readonly JournalRecord[]> {
  const records: JournalRecord[] = []
  for (const row of rows)
    records.push({
      seq: Number(row.seq),
      at: Number(row.at),
      body: await readRecordBody(user, journal, row, 'body', options),
    })
  return records
}

export interface HeadRow {
  readonly head: number
  readonly epoch: number
  readonly owner: string
  readonly kind: JournalKind
  readonly fenced: number | undefined
  readonly bytes: number
  readonly closed: boolean
}

export const headOf = (row: Row): HeadRow => ({
  head: Number(row.head),
  epoch: Number(row.epoch),
  owner: row.owner as string,
  kind: row.kind as JournalKind,
  fenced: row.fenced === null ? undefined : Number(row.fenced),
  bytes: Number(row.bytes),
  closed: row.closed_at !== null,
})
