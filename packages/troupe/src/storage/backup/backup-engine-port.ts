/** What an engine does for backups of its databases. Whose signal aborts ends soon, with whatever error, and leaves nothing. */
import type { Migration } from '../migrations/migration.ts'
import type { PostgresOptions } from '../postgres-options.ts'
import type { Restoration } from '../restoration.ts'
import type { BackupManifest, Contents, StoredBackup } from './backup-manifest.ts'

/** `Location` is where a database is. */
export interface BackupEngine<Location> {
  readonly file: BackupManifest['file']
  /** Everything at one moment, beside whoever uses the database. */
  copy(location: Location, to: string, signal?: AbortSignal): Promise<Contents>
  /** @throws ProcessingError `backup.damaged` */
  verify(stored: StoredBackup, signal?: AbortSignal): Promise<void>
  /** All or nothing. @throws ConflictError `storage.not_empty`; ValidationError `storage.incompatible`, `storage.too_new` */
  restore(
    stored: StoredBackup,
    to: { readonly location: Location; readonly migrations: readonly Migration[]; readonly restoration: Restoration },
    signal?: AbortSignal,
  ): Promise<void>
}

export interface BackupEngines {
  /** By paths. */
  readonly sqlite: BackupEngine<string>
  readonly postgres: BackupEngine<PostgresOptions>
}
