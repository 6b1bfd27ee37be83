/** Backups of a database, whatever its engine: made beside whoever uses it, verified, and restored into an empty place. */
import { failure } from '../../core/index.ts'
import type { Migration } from '../migration.ts'
import type { PostgresOptions } from '../postgres-options.ts'
import type { Restoration } from '../restored.ts'
import { storageMigrations } from '../storage-migrations.ts'
import type { BackupEngine, BackupEngines } from './engine-port.ts'
import { type BackupManifest, findBackup, readBackup, type StoredBackup, writeBackup } from './manifest.ts'

/** `sqlite:PATH`, `postgres://…`, or where a PostgreSQL database is. */
export type BackedUpStorage = string | PostgresOptions

export interface Backups {
  /**
   * @param to a folder that does not exist
   * @param at ISO text
   * @throws ConflictError `storage.not_empty`; ValidationError `validation.failed` for `memory:`, `storage.foreign`; what
   * the engine says
   */
  readonly backup: (from: BackedUpStorage, to: string, at: string) => Promise<BackupManifest>
  /** @throws ValidationError `backup.unreadable`; ProcessingError `backup.damaged` */
  readonly verify: (folder: string) => Promise<BackupManifest>
  /** Its manifest alone, with the data there in its length, unread. @throws what `verify` does */
  readonly find: (folder: string) => BackupManifest
  /**
   * Verifies it first; leaves the mark by which the next opening waits.
   * @throws what `verify` does; ConflictError `storage.not_empty`; ValidationError `storage.too_new`, `validation.failed`
   * where the engines differ
   */
  readonly restore: (
    folder: string,
    to: BackedUpStorage,
    migrations: readonly Migration[],
    mark: Pick<Restoration, 'installation' | 'at'>,
  ) => Promise<Restoration>
}

export function createBackups(engines: BackupEngines): Backups {
  const verified = async (folder: string): Promise<StoredBackup> => {
    const stored = await readBackup(folder)
    await engines[stored.manifest.engine].verify(stored)
    return stored
  }
  /** @param use is given the engine with its own kind of place */
  const at = <T>(
    storage: BackedUpStorage,
    use: <Place>(name: BackupManifest['engine'], engine: BackupEngine<Place>, place: Place) => T,
  ): T => {
    if (typeof storage !== 'string') return use('postgres', engines.postgres, storage)
    if (/^postgres(ql)?:/.test(storage)) return use('postgres', engines.postgres, { url: storage })
    const path = /^sqlite:(?:\/\/)?(?!:memory:)(.+)$/s.exec(storage)?.[1]
    if (path !== undefined) return use('sqlite', engines.sqlite, path)
    throw wrong('The storage of a backup', 'it is neither sqlite:PATH nor PostgreSQL; what is in memory has none')
  }
  return {
    backup: async (from, to, time) =>
      at(from, (name, engine, place) =>
        writeBackup(to, { engine: name, at: time, file: engine.file }, (path) => engine.copy(place, path)),
      ),
    verify: async (folder) => (await verified(folder)).manifest,
    find: (folder) => findBackup(folder).manifest,
    async restore(folder, to, migrations, mark) {
      const stored = await verified(folder)
      const { engine: from, at: backupAt } = stored.manifest
      const restoration = { ...mark, backupAt }
      await at(to, async (name, engine, place) => {
        if (name !== from) throw wrong('The target of the restore', `the backup is of ${from}, and this is ${name}`)
        await engine.restore(stored, place, [...storageMigrations, ...migrations], restoration)
      })
      return restoration
    },
  }
}

const wrong = (what: string, problem: string) => failure('validation.failed', { what, problem })
