/**
 * The operations that an engine provides for backups. An aborted operation ends soon, with any error, and leaves no
 * data.
 */
import type { Migration } from '../migrations/migration.ts'
import type { PostgresOptions } from '../postgres-options.ts'
import type { Restoration } from '../restoration.ts'
import type { BackupManifest, Contents, StoredBackup } from './backup-manifest.ts'

/** `Location` is the type of a database's location. */
export interface BackupEngine<Location> {
  readonly file: BackupManifest['file']
  /** Writes a consistent snapshot to the path while other processes use the database. */
  copy(location: Location, to: string, signal?: AbortSignal): Promise<Contents>
  /** Checks that the data can be read and has the rows of the manifest. @throws ProcessingError `backup.damaged` */
  verify(stored: StoredBackup, signal?: AbortSignal): Promise<void>
  /**
   * Restores completely or not at all.
   * @throws ConflictError `storage.not_empty`; ValidationError `storage.incompatible`, `storage.too_new`
   */
  restore(
    stored: StoredBackup,
    to: { readonly location: Location; readonly migrations: readonly Migration[]; readonly restoration: Restoration },
    signal?: AbortSignal,
  ): Promise<void>
}

export interface BackupEngines {
  /** Databases are located by their paths. */
  readonly sqlite: BackupEngine<string>
  readonly postgres: BackupEngine<PostgresOptions>
}
