/**
 * The tables in which a room keeps rows of users, for what goes over all of them: forgetting a user, sealing again what is
 * stored. Each room lists its own; a test compares the lists with the schema.
 *
 * A table whose rows are copied into another one stands before it: who goes through them in order misses nothing.
 */
import type { ContentNames } from './content.ts'

export interface UserTable {
  readonly module: string
  readonly name: string
  /** What names a row among those of its user, and never changes. */
  readonly key: readonly string[]
  /** Columns with content, as the room's statements name their places. */
  readonly content?: ContentNames
  /** Where only one engine has it. */
  readonly only?: 'postgres'
  /** So many rows are looked at together; 100 by default. */
  readonly batch?: number
}

export const blobContent: ContentNames = { content: ['value', 'hash'] }

export const storageTables: readonly UserTable[] = [
  { module: 'storage', name: 'storage_blobs', key: ['hash'], content: blobContent, batch: 4 },
  { module: 'storage', name: 'storage_blob_owners', key: ['owner', 'hash'] },
  { module: 'storage', name: 'storage_feed', key: ['revision', 'ordinal'] },
  { module: 'storage', name: 'storage_changes', key: ['id'] },
  { module: 'storage', name: 'storage_revisions', key: ['user_id'] },
]
