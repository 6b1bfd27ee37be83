/**
 * The tables in which a module stores rows of users, for operations over all of them: erasing a user and re-encryption.
 * Each module lists its own tables; a test compares the lists with the schema.
 *
 * A table whose rows are copied to another one precedes it, so that processing in order misses no row.
 */
import type { ContentNames } from './content.ts'

export interface UserTable {
  readonly module: string
  readonly name: string
  /** The columns that identify a row of a user and never change. */
  readonly key: readonly string[]
  /** The columns with content, with the locations that the module's statements name. */
  readonly content?: ContentNames
  /** Present if only one engine has the table. */
  readonly only?: 'postgres'
  /** The number of rows that are processed together; 100 by default. */
  readonly batch?: number
}

export const blobContent: ContentNames = { content: ['value', 'hash'] }

export const storageTables: readonly UserTable[] = [
  { module: 'storage', name: 'storage_blobs', key: ['hash'], content: blobContent, batch: 4 },
  { module: 'storage', name: 'storage_blob_owners', key: ['owner', 'hash'] },
  { module: 'storage', name: 'storage_blob_lookups', key: ['user_id'] },
  { module: 'storage', name: 'storage_feed', key: ['revision', 'ordinal'] },
  { module: 'storage', name: 'storage_changes', key: ['id'] },
  { module: 'storage', name: 'storage_revisions', key: ['user_id'] },
]
