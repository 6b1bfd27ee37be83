/**
 * Opens connections with the settings that durability depends on. The writer thread loads this file too, so it imports
 * no other module.
 */
import { pathToFileURL } from 'node:url'
import { DatabaseSync } from '../database-sync.ts'

/** `Trou` in ASCII; identifies a Troupe database in the header of the file. */
export const applicationId = 0x54_72_6f_75

const common = ['pragma foreign_keys = off', 'pragma temp_store = memory', 'pragma trusted_schema = off']

/**
 * Opens the connection of the writer.
 *
 * `synchronous` is FULL, because with NORMAL a power failure loses acknowledged commits. The writer makes checkpoints
 * itself, between transactions; after a burst the log is cut to 64 MB. The cache has 16 MB: after a tree is balanced, a
 * commit scans the table of all cached pages. With 64 MB, pushes took a tenth longer, of 1,000 entries and of 100,000.
 */
export function openForWriting(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 2_000, enableForeignKeyConstraints: false })
  for (const pragma of [
    ...common,
    'pragma journal_mode = wal',
    'pragma synchronous = full',
    'pragma wal_autocheckpoint = 0',
    'pragma journal_size_limit = 67108864',
    'pragma cache_size = -16384',
  ])
    db.exec(pragma)
  return db
}

export function openForReading(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: 100 })
  for (const pragma of [...common, 'pragma cache_size = -32768']) db.exec(pragma)
  return db
}

/**
 * Opens a file without creating files beside it. The file must have no log, and no process may write to it meanwhile.
 */
export function openImmutable(path: string): DatabaseSync {
  const url = pathToFileURL(path)
  url.searchParams.set('immutable', '1')
  const db = new DatabaseSync(url, { readOnly: true })
  for (const pragma of common) db.exec(pragma)
  return db
}

/**
 * A database in memory is completely in the page cache, and after a tree is balanced a commit scans the table of that
 * cache. Half as many pages gave a quarter more messages in a mailbox of 300,000. Larger pages cost more to copy than
 * they save.
 */
const pageBytes = 8_192

export function openInMemory(): DatabaseSync {
  const db = new DatabaseSync(':memory:')
  const own = [
    `pragma page_size = ${pageBytes}`,
    'pragma auto_vacuum = incremental',
    `pragma application_id = ${applicationId}`,
  ]
  for (const pragma of [...common, ...own]) db.exec(pragma)
  return db
}
