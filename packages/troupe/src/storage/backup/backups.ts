/**
 * Backups of a database of either engine: created while processes use the database, verified, and restored to an empty
 * location.
 */
import { checkSignal, invalidInput } from '../../core/index.ts'
import type { Migration } from '../migrations/migration.ts'
import { storageMigrations } from '../migrations/storage-migrations.ts'
import type { PostgresOptions } from '../postgres-options.ts'
import type { Restoration } from '../restoration.ts'
import type { BackupEngine, BackupEngines } from './backup-engine-port.ts'
import { type BackupManifest, findBackup, readBackup, type StoredBackup, writeBackup } from './backup-manifest.ts'

/** `sqlite:PATH`, `postgres://…`, or the options of a PostgreSQL database. */
export type BackedUpStorage = string | PostgresOptions

export interface Backups {
  /**
   * Creates a backup.
   * @param to a folder that does not exist
   * @param at the time of the backup as ISO text
   * @throws ConflictError `storage.not_empty`; ValidationError `validation.failed` for `memory:`, `storage.foreign`;
   * the errors of the engine
   */
  readonly backup: (from: BackedUpStorage, to: string, at: string, signal?: AbortSignal) => Promise<BackupManifest>
  /**
   * Reads the whole backup and checks it. @throws ValidationError `backup.unreadable`; ProcessingError `backup.damaged`
   */
  readonly verify: (folder: string, signal?: AbortSignal) => Promise<BackupManifest>
  /**
   * Returns the manifest after a check of the data file's size, without reading the data. @throws the errors of
   * `verify`
   */
  readonly find: (folder: string) => BackupManifest
  /**
   * Verifies the backup, restores it and marks the database as restored, so that the next opening waits for
   * confirmation.
   * @throws the errors of `verify`; ConflictError `storage.not_empty`; ValidationError `storage.too_new`, or
   * `validation.failed` if the engines differ
   */
  readonly restore: (
    folder: string,
    to: BackedUpStorage,
    migrations: readonly Migration[],
    mark: Pick<Restoration, 'installation' | 'at'>,
    signal?: AbortSignal,
  ) => Promise<Restoration>
}

export function createBackups(engines: BackupEngines): Backups {
  const verified = async (folder: string, signal?: AbortSignal): Promise<StoredBackup> => {
    const stored = await readBackup(folder, signal)
    await engines[stored.manifest.engine].verify(stored, signal)
    return stored
  }
  /** @param use receives the engine together with a location of the engine's own type */
  const at = <T>(
    storage: BackedUpStorage,
    use: <Location>(name: BackupManifest['engine'], engine: BackupEngine<Location>, location: Location) => T,
  ): T => {
    if (typeof storage !== 'string') return use('postgres', engines.postgres, storage)
    if (/^postgres(ql)?:/.test(storage)) return use('postgres', engines.postgres, { url: storage })
    const path = /^sqlite:(?:\/\/)?(?!:memory:|file:)(.+)$/s.exec(storage)?.[1]
    if (path !== undefined) return use('sqlite', engines.sqlite, path)
    throw invalidInput(
      'The storage of a backup',
      'it is neither sqlite:PATH nor PostgreSQL; storage in memory has no backups',
    )
  }
  return {
    backup: (from, to, time, signal) =>
      unlessAborted('The backup', signal, () =>
        at(from, (name, engine, location) =>
          writeBackup(
            to,
            { engine: name, at: time, file: engine.file },
            (path) => engine.copy(location, path, signal),
            signal,
          ),
        ),
      ),
    verify: (folder, signal) =>
      unlessAborted('Verifying the backup', signal, async () => (await verified(folder, signal)).manifest),
    find: (folder) => findBackup(folder).manifest,
    restore: (folder, to, migrations, mark, signal) =>
      unlessAborted('The restore', signal, async () => {
        const stored = await verified(folder, signal)
        const { engine: from, at: backupAt } = stored.manifest
        const restoration = { ...mark, backupAt }
        await at(to, async (name, engine, location) => {
          if (name !== from)
            throw invalidInput('The target of the restore', `the backup is of ${from}, and this is ${name}`)
          const all = [...storageMigrations, ...migrations]
          await engine.restore(stored, { location, migrations: all, restoration }, signal)
        })
        return restoration
      }),
  }
}

/** After an abort the caller gets the error of the signal, not the error that the abort caused. */
async function unlessAborted<T>(what: string, signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
  checkSignal(what, signal)
  try {
    return await run()
  } catch (error) {
    checkSignal(what, signal)
    throw error
  }
}
