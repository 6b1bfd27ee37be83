/** Storage executes changes: the port, the types that modules need to use it, and the engines. */

import { checkOptions, checkPorts, checkText, listOf } from '../core/index.ts'
import type { BackedUpStorage } from './backup/backups.ts'
import { createBackups } from './backup/backups.ts'
import type { Migration } from './migrations/migration.ts'
import { storageMigrations } from './migrations/storage-migrations.ts'
import type { AbsentFile, OpenedStorage, OpenStorageOptions } from './open-storage-options.ts'
import { postgresBackups } from './postgres/backups.ts'
import { openPostgres, pendingOnServer } from './postgres/open-storage.ts'
import { sqliteBackups } from './sqlite/backups.ts'
import { absentOf, openSqlite, pendingOf } from './sqlite/open-storage.ts'

export { beginBackupAttempt } from './backup/backup-attempt.ts'
export type { BackupManifest } from './backup/backup-manifest.ts'
export type { BackedUpStorage } from './backup/backups.ts'
export { createFolder, renameDurably } from './backup/rename-durably.ts'
export { createBlobs } from './blobs/blobs.ts'
export * from './blobs/blobs-port.ts'
export { separateFiles } from './blobs/separate-files.ts'
export type { UnusedBlobs } from './blobs/unused-blobs.ts'
export { checkChange } from './changes/check-change.ts'
export { commitJoined } from './changes/commit-joined.ts'
export { committed } from './changes/committed.ts'
export * from './changes/statement.ts'
export { retentionBounds, type StorageRetention } from './cleanup/storage-retention.ts'
export * from './codec-port.ts'
export {
  type Content,
  type ContentNames,
  compileContent,
  locationOf,
  type ValueLocation,
} from './content.ts'
export * from './dialect.ts'
export * from './disk.ts'
export * from './migrations/migration.ts'
export { schemaObjects } from './migrations/schema-objects.ts'
export { storageMigrations } from './migrations/storage-migrations.ts'
export type { AbsentFile, OpenedStorage, OpenStorageOptions, StorageFinding } from './open-storage-options.ts'
export type { PostgresOptions } from './postgres-options.ts'
export { partsOfUrl } from './postgres-url.ts'
export { endRestoration, type Restoration, readRestoration } from './restoration.ts'
export { sqliteDialect } from './sqlite/dialect.ts'
export { createDisk } from './sqlite/open-disk.ts'
export * from './storage-port.ts'
export * from './user-tables.ts'
export { encryptStorage } from './wrappers/encrypt-storage.ts'
export { checkFaults, type FaultKind, type Faults } from './wrappers/faults.ts'
export { forwardStorage } from './wrappers/forward-storage.ts'
export type {
  Cell,
  ChangeBatch,
  ChangeSlice,
  Probe,
  ReplyCell,
  Vacuum,
  WriterProblem,
  WriterReply,
  WriterRequest,
} from './writer-port.ts'

/**
 * Opens the engine that the URL names.
 * @throws the errors of `sqlite/open-storage.ts` and `postgres/open-storage.ts`
 * @example const storage = await openStorage({ url: 'sqlite:./data/troupe.db', migrations, clock, random })
 */
export async function openStorage(options: OpenStorageOptions): Promise<OpenedStorage> {
  checkOptions('openStorage', options, known)
  checkPorts('openStorage', options, ['clock', 'random'])
  checkText('The URL of openStorage', options.url)
  listOf('The migrations of openStorage', options.migrations)
  return /^postgres(ql)?:/.test(options.url) ? openPostgres(options) : openSqlite(options)
}

const known = [
  'url',
  'migrations',
  'clock',
  'random',
  'retention',
  'postgres',
  'time',
  'onServerTime',
  'production',
  'ownerSettings',
  'faults',
] as const

/**
 * Returns the migrations that opening would apply; an empty list if the database does not exist yet.
 * @param migrations of all modules
 * @throws the errors of opening if the database cannot be reached
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
 * Returns the file that opening would create; undefined if opening would create no file. A command that only reads uses
 * it, so that a misspelt path does not create a database.
 * @throws ValidationError for an unknown URL
 */
export const absentFile = (storage: BackedUpStorage): AbsentFile | undefined =>
  typeof storage !== 'string' || /^postgres(ql)?:/.test(storage) ? undefined : absentOf(storage)

/** Backups of both engines. */
export const backups = createBackups({ sqlite: sqliteBackups, postgres: postgresBackups })
