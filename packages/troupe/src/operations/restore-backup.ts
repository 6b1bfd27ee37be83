/** Backups where no troupe need run: restored into an empty place, verified, and taken beside whoever owns the database. */

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

export interface RestoreBackupOptions {
  /** The folder that `troupe.backup` made. */
  readonly from: string
  /** `sqlite:PATH` where there is no file, or a PostgreSQL schema without tables. */
  readonly to: BackedUpStorage
  /** Nothing is left of what it aborts. */
  readonly signal?: AbortSignal
}

interface CallOptions {
  readonly signal?: AbortSignal
}

/**
 * Verifies a backup and puts it where there is nothing yet. The copy waits when it is first opened: see
 * `troupe.resumeRestored`.
 * @returns which installation the copy is, and of when
 * @throws ConflictError `storage.not_empty`; ValidationError `backup.unreadable`, `storage.too_new`, `validation.failed`
 * where the engines differ; ProcessingError `backup.damaged`; CancelledError; what the engine says
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

/** The file of a configuration's storage where there is none: for whoever only looks, and must not make it. */
export const absentDatabase = async (config: TroupeConfig): Promise<AbsentFile | undefined> =>
  absentFile(await storageOf(config))

const folderOf = (folder: unknown): string => checkPath('The folder of the backup', folder)
