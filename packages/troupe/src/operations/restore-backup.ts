/**
 * Backups without a running troupe: restoring into an empty place, verifying, and backing up a database that a process
 * uses.
 */

import type { TroupeConfig } from '../configuration/index.ts'
import { openSecrets, revealConfig } from '../configuration/index.ts'
import {
  type Clock,
  checkOptions,
  checkPath,
  createIds,
  createRedactor,
  systemClock,
  systemRandom,
} from '../core/index.ts'
import {
  type AbsentFile,
  absentFile,
  type BackedUpStorage,
  type BackupManifest,
  backups,
  type Restoration,
} from '../storage/index.ts'
import { migrations } from './troupe-tables.ts'

/** The options of `restoreBackup`. */
export interface RestoreBackupOptions {
  /** The folder that `troupe.backup` created. */
  readonly from: string
  /** The new storage: `sqlite:PATH` of a file that does not exist, or a PostgreSQL schema without tables. */
  readonly to: BackedUpStorage
  /** Ends the call with CancelledError; the partial copy is removed. */
  readonly signal?: AbortSignal
}

interface CallOptions {
  /** Cancels the call. */
  readonly signal?: AbortSignal
}

/**
 * Verifies a backup and copies it into an empty storage. The copy starts no work when it is first opened: see
 * `troupe.resumeRestored`.
 * @returns the id of the new installation, and the time of the backup
 * @throws ConflictError `storage.not_empty`; ValidationError `backup.unreadable`, `storage.too_new`, and
 * `validation.failed` for another engine; ProcessingError `backup.damaged`; CancelledError; the errors of the engine
 * @example const { installation } = await restoreBackup({ from: './backups/monday', to: 'sqlite:./data/copy.db' })
 */
export async function restoreBackup(options: RestoreBackupOptions): Promise<Restoration> {
  checkOptions('restoreBackup', options, ['from', 'to', 'signal'])
  const { from, to, signal } = options
  const mark = {
    installation: createIds(systemClock, systemRandom).next(),
    at: new Date(systemClock.now()).toISOString(),
  }
  return backups.restore(folderOf(from), to, migrations, mark, signal)
}

/**
 * Reads all of a backup: its hash, its integrity, and how many rows each table has.
 * @returns its manifest
 * @throws ValidationError `backup.unreadable`; ProcessingError `backup.damaged`, which says what differs; CancelledError
 * @example const { at, rows } = await verifyBackup('./backups/monday')
 */
export async function verifyBackup(folder: string, options: CallOptions = {}): Promise<BackupManifest> {
  checkOptions('verifyBackup', options, ['signal'])
  return backups.verify(folderOf(folder), options.signal)
}

export const backupTo = async (
  storage: BackedUpStorage,
  folder: string,
  { clock = systemClock, signal }: CallOptions & { readonly clock?: Clock } = {},
): Promise<BackupManifest> => backups.backup(storage, folderOf(folder), new Date(clock.now()).toISOString(), signal)

/** The storage of a configuration, with its secrets in their places: for the command line. */
export async function storageOf(config: TroupeConfig): Promise<BackedUpStorage> {
  const redactor = createRedactor()
  const secrets = openSecrets(config.secrets, { clock: systemClock, redactor, variables: process.env })
  return (await revealConfig(config, secrets, redactor)).storage
}

/** Returns the missing database file of a configuration, for commands that read only and must not create it. */
export const absentDatabase = async (config: TroupeConfig): Promise<AbsentFile | undefined> =>
  absentFile(await storageOf(config))

const folderOf = (folder: unknown): string => checkPath('The folder of the backup', folder)
