/**
 * The mark of a database restored from a backup. The original may meanwhile have done the work that the copy was about
 * to do. Work of the copy is therefore paused until an operator resumes it.
 */

import type { Statement } from './changes/statement.ts'
import type { OpenedStorage } from './open-storage-options.ts'

/** The origin of a restored database. */
export interface Restoration {
  /** The id of this copy. */
  readonly installation: string
  /** The time of the restore as ISO text. */
  readonly at: string
  /** The time of the backup as ISO text. */
  readonly backupAt: string
  /** The time as ISO text at which work was resumed; absent while it is paused. */
  readonly resumedAt?: string
}

export const restoredTable = `create table storage_restored (installation text not null primary key, at text not null,
  backup_at text not null, resumed_at text)`

/** Returns statements that set the mark and remove a mark contained in the backup. */
export const markRestored = ({ installation, at, backupAt }: Restoration) => {
  const text = (value: string) => `'${value.replaceAll("'", "''")}'`
  const values = [installation, at, backupAt].map(text).join(', ')
  return [
    { sql: 'delete from storage_restored', binds: [] },
    { sql: `insert into storage_restored (installation, at, backup_at) values (${values})`, binds: [] },
  ]
}

const selectRestoration: Statement = {
  sql: 'select installation, at, backup_at, resumed_at from storage_restored',
  binds: [],
  returns: true,
}

/** @returns undefined if the database was never restored from a backup */
export async function readRestoration(storage: OpenedStorage): Promise<Restoration | undefined> {
  const [rows] = await storage.read({ work: true }, [selectRestoration])
  const row = rows?.[0]
  if (!row) return undefined
  return {
    installation: String(row.installation),
    at: String(row.at),
    backupAt: String(row.backup_at),
    ...(row.resumed_at === null ? {} : { resumedAt: String(row.resumed_at) }),
  }
}

/** Ends the restoration, so that the database works like any other, and wakes the other processes on it. */
export async function endRestoration(storage: OpenedStorage, at: string): Promise<void> {
  const bind = storage.dialect.name === 'postgres' ? '$1' : '?'
  const sql = `update storage_restored set resumed_at = ${bind} where resumed_at is null`
  await storage.commit({ id: null, scope: { work: true }, statements: [{ sql, binds: [at] }], wake: ['cleanup'] })
}
