/** Storage executes changes: the port, what rooms need to speak to it, and the engines behind it. */

import type { BackedUpStorage } from './backup/backups.ts'
import { createBackups } from './backup/backups.ts'
import type { Migration } from './migration.ts'
import type { AbsentFile, OpenedStorage, OpenStorageOptions } from './open-options.ts'
import { postgresBackups } from './postgres/backup-postgres.ts'
import { openPostgres, pendingOnServer } from './postgres/open-postgres.ts'
import { sqliteBackups } from './sqlite/backup-sqlite.ts'
import { absentOf, openStorage as openSqlite, pendingOf } from './sqlite/open-storage.ts'
import { storageMigrations } from './storage-migrations.ts'

export type { BackedUpStorage } from './backup/backups.ts'
export type { BackupManifest } from './backup/manifest.ts'
export { createBlobs } from './blobs.ts'
export * from './blobs-port.ts'
export { checkChange } from './check-change.ts'
export * from './codec-port.ts'
export { type ContentNames, compileContent, type Place, placeOf } from './content.ts'
export * from './dialect.ts'
export * from './disk.ts'
export { checkFaults, type FaultKind, type Faults } from './faults.ts'
export * from './migration.ts'
export type { AbsentFile, OpenedStorage, OpenStorageOptions, StorageFinding } from './open-options.ts'
export * from './port.ts'
export type { PostgresOptions } from './postgres-options.ts'
export { endRestoration, type Restoration, readRestoration } from './restored.ts'
export { type Retention, retentionBounds } from './retention.ts'
export { sealStorage } from './sealed-storage.ts'
export { createDisk } from './sqlite/memory-disk.ts'
export { sqliteDialect } from './sqlite/sqlite-dialect.ts'
export * from './statement.ts'
export { storageMigrations } from './storage-migrations.ts'
export * from './user-tables.ts'
export type { WriterReply, WriterRequest } from './writer-port.ts'

/**
 * Opens the engine that the URL names.
 * @throws what `sqlite/open-storage.ts` and `postgres/open-postgres.ts` say
 * @example const storage = await openStorage({ url: 'sqlite:./data/troupe.db', migrations, clock, random })
 */
export const openStorage = (options: OpenStorageOptions): Promise<OpenedStorage> =>
  /^postgres(ql)?:/.test(options.url) ? openPostgres(options) : openSqlite(options)

/**
 * The steps that opening would apply, for whoever wants to know before; none where there is nothing yet.
 * @param migrations of all rooms
 * @throws what opening throws where it cannot be reached
 */
export function pendingMigrations(
  storage: BackedUpStorage,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  const all = [...storageMigrations, ...migrations]
  if (typeof storage !== 'string') return pendingOnServer(storage, all)
  return /^postgres(ql)?:/.test(storage) ? pendingOnServer({ url: storage }, all) : pendingOf(storage, all)
}

/**
 * For whoever only looks, and must not make a database where a name was misspelt.
 * @throws ValidationError for what is no URL of ours
 */
export const absentFile = (storage: BackedUpStorage): AbsentFile | undefined =>
  typeof storage !== 'string' || /^postgres(ql)?:/.test(storage) ? undefined : absentOf(storage)

/** Of both engines. */
export const backups = createBackups({ sqlite: sqliteBackups, postgres: postgresBackups })
