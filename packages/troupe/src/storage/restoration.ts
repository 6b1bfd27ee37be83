/**
 * The mark of a database that came out of a backup. What it was about to do, the original may have done since: nothing of
 * that goes on before somebody says so.
 */

import type { Statement } from './changes/statement.ts'
import type { OpenedStorage } from './open-storage-options.ts'

/** Where a restored database came from. */
export interface Restoration {
  /** Of this copy alone. */
  readonly installation: string
  /** ISO text: when it was restored. */
  readonly at: string
  /** ISO text: when the backup was made. */
  readonly backupAt: string
  /** ISO text: since when it goes on; absent while it waits. */
  readonly resumedAt?: string
}

export const restoredTable = `create table storage_restored (installation text not null primary key, at text not null,
  backup_at text not null, resumed_at text)`

/** In place of the mark that the backup itself may hold. */
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

/** @returns undefined for a database that never was in a backup */
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

/** From here on it is a database like any other; other processes on it are told. */
export async function endRestoration(storage: OpenedStorage, at: string): Promise<void> {
  const bind = storage.dialect.name === 'postgres' ? '$1' : '?'
  const sql = `update storage_restored set resumed_at = ${bind} where resumed_at is null`
  await storage.commit({ id: null, scope: { work: true }, statements: [{ sql, binds: [at] }], wake: ['cleanup'] })
}
