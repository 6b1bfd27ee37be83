/** Rows of entries and their history, converted to entries. */
import { decodeJson, type Json, type Provenance, type TaintLabel } from '../../core/index.ts'
import type { Row, ValueRef } from '../../storage/index.ts'
import type { Entry, HistoryEntry } from '../context-client.ts'
import { audienceOf, everyone, writersOf } from './audience.ts'

/** A stored entry. A large value is stored separately. */
export interface EntryRow {
  readonly key: string
  readonly version: number
  /** The first version of this entry. Older versions belong to an earlier entry under the same key. */
  readonly born: number
  /** The id of the write that created this version. */
  readonly change: string
  readonly revision: number
  readonly owner: string
  readonly grantees: readonly string[]
  readonly writers: readonly string[]
  readonly lifecycle: string | null
  readonly ttlMs: number | null
  readonly createdAt: number
  readonly updatedAt: number
  readonly expiresAt: number | null
  readonly value: ValueRef
  /** The size of the value as JSON in bytes. */
  readonly stored: number
  readonly metadata: string | null
  readonly provenance: string
  readonly taint: string
}

export interface HistoryRow extends EntryRow {
  readonly ended: 'replaced' | 'removed' | 'expired'
  readonly endedChange: string
}

const nullable = <T>(value: Row[string] | undefined, convert: (value: unknown) => T): T | null =>
  value === null || value === undefined ? null : convert(value)

/** An inline value is its JSON text, which never begins with `@`. A large value is `@` and the reference. */
export const storeValue = (value: ValueRef): string => ('json' in value ? value.json : `@${JSON.stringify(value)}`)
export const restoreValue = (text: string): ValueRef =>
  text.startsWith('@') ? (JSON.parse(text.slice(1)) as ValueRef) : { json: text }

const noNames: readonly string[] = []
const everyoneAlone: readonly string[] = [everyone]
/** Returns a list of names from JSON. The most frequent lists, no name and everyone, are not parsed. */
const namesIn = (text: string): readonly string[] =>
  text === '[]' ? noNames : text === '["*"]' ? everyoneAlone : (JSON.parse(text) as readonly string[])

export const entryRow = (row: Row): EntryRow => ({
  key: String(row.key),
  version: Number(row.version),
  born: Number(row.born),
  change: String(row.change),
  revision: Number(row.revision),
  owner: String(row.owner),
  grantees: namesIn(String(row.audience)),
  writers: namesIn(String(row.writers)),
  lifecycle: nullable(row.lifecycle, String),
  ttlMs: nullable(row.ttl_ms, Number),
  createdAt: Number(row.created_at),
  updatedAt: Number(row.updated_at),
  expiresAt: nullable(row.expires_at, Number),
  value: restoreValue(String(row.value)),
  stored: Number(row.stored),
  metadata: nullable(row.metadata, String),
  provenance: String(row.provenance),
  taint: String(row.taint),
})

export const historyRow = (row: Row): HistoryRow => ({
  ...entryRow(row),
  ended: String(row.ended) as HistoryRow['ended'],
  endedChange: String(row.ended_change),
})

const iso = (ms: number) => new Date(ms).toISOString()

/** Absent fields are omitted, as in JSON. */
export function toEntry(row: EntryRow, value: Json): Entry {
  const createdAt = iso(row.createdAt)
  return {
    key: row.key,
    value,
    version: row.version,
    revision: row.revision,
    owner: row.owner,
    audience: audienceOf(row.grantees),
    writers: writersOf(row.writers),
    ...(row.lifecycle === null ? {} : { lifecycle: row.lifecycle }),
    createdAt,
    updatedAt: row.updatedAt === row.createdAt ? createdAt : iso(row.updatedAt),
    ...(row.expiresAt === null ? {} : { expiresAt: iso(row.expiresAt) }),
    provenance: JSON.parse(row.provenance) as Provenance,
    taint: taintIn(row),
    ...(row.metadata === null ? {} : { metadata: decodeJson(row.metadata) as { readonly [key: string]: Json } }),
  }
}

export const toHistoryEntry = (row: EntryRow, value: Json, ended: HistoryEntry['ended']): HistoryEntry => ({
  ...toEntry(row, value),
  ...(ended === undefined ? {} : { ended }),
})

/** Returns the taint labels of the value of a row. */
export const taintIn = (row: { readonly taint?: unknown } | undefined): readonly TaintLabel[] =>
  row && row.taint !== '[]' ? (JSON.parse(String(row.taint)) as readonly TaintLabel[]) : []
