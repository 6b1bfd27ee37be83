/** Connections with the settings that the promises rest on. Loaded by the writer thread too: imports nothing of other rooms. */
import { pathToFileURL } from 'node:url'
import { DatabaseSync } from '../database-sync.ts'

/** `Trou` in ASCII; says in the file's header whose it is. */
export const applicationId = 0x54_72_6f_75

const common = ['pragma foreign_keys = off', 'pragma temp_store = memory', 'pragma trusted_schema = off']

/**
 * FULL, not NORMAL: at NORMAL a power cut loses commits that were acknowledged.
 * Checkpoints are the writer's own, between transactions; the log is cut back to 64 MB after a burst.
 * 16 MB of pages are kept: where a tree was balanced, a commit goes through the table of all of them, and with 64 MB pushes
 * took a tenth longer, of 1,000 entries and of 100,000.
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

/** Looks without leaving a trace beside the file: only where it has no log, and nobody can write it meanwhile. */
export function openImmutable(path: string): DatabaseSync {
  const url = pathToFileURL(path)
  url.searchParams.set('immutable', '1')
  const db = new DatabaseSync(url, { readOnly: true })
  for (const pragma of common) db.exec(pragma)
  return db
}

/**
 * All of it is in the cache of pages, and where a tree was balanced a commit goes through the table of that whole cache: half
 * as many pages, and in a mailbox of 300,000 a quarter more messages. Larger ones cost more to copy than they save.
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
