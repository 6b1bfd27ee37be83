/** Backups of an SQLite file: its pages in one snapshot, copied while other connections write. */
import { chmodSync, copyFileSync, existsSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { failure } from '../../core/index.ts'
import { beginBackupAttempt } from '../backup/backup-attempt.ts'
import type { BackupEngine } from '../backup/backup-engine-port.ts'
import { type Contents, checkContents, damaged, type StoredBackup } from '../backup/backup-manifest.ts'
import { createFolder, renameDurably } from '../backup/rename-durably.ts'
import { checkKnown, checkNotEarlier } from '../migrations/applied-migrations.ts'
import { markRestored } from '../restoration.ts'
import { backup, type DatabaseSync } from './database-sync.ts'
import { errorClassOf, messageOf, resultCode } from './error-class.ts'
import { fileFailure } from './file/file-failure.ts'
import { applicationId, openForReading, openForWriting, openImmutable } from './file/open-for-writing.ts'
import { migrate } from './migrate.ts'

/** 16 MB; after each batch the backup can be aborted. */
const pagesPerBatch = 4_096
const notADatabase = 26

export const sqliteBackups: BackupEngine<string> = { file: 'troupe.db', copy, verify, restore }

/** Copies the file while this process or another one owns it. */
async function copy(name: string, to: string, signal?: AbortSignal): Promise<Contents> {
  const path = resolve(name)
  if (!existsSync(path)) throw failure('storage.foreign', { path, problem: 'the file does not exist' })
  try {
    const reading = openOurs(path)
    try {
      // One transaction for all batches: without it, the backup restarts whenever a connection writes. It does not
      // block writers.
      reading.exec('begin')
      reading.prepare('select count(*) from sqlite_master').get()
      await backup(reading, to, { rate: pagesPerBatch, progress: () => signal?.throwIfAborted() }).catch((error) => {
        // Only the target can be full, because the database is only read.
        throw errorClassOf(error) === 'full' ? failure('backup.disk_full', { path: to }, { cause: error }) : error
      })
    } finally {
      reading.close()
    }
    chmodSync(to, 0o600)
    const copied = openImmutable(to)
    try {
      return contentsOf(copied)
    } finally {
      copied.close()
    }
  } catch (error) {
    throw fileFailure(error, path)
  }
}

/**
 * Opens a database of Troupe. The connection itself reads the application id: opening and closing a descriptor here
 * would drop the locks of an owner in this process.
 * @throws ValidationError `storage.foreign`
 */
function openOurs(path: string): DatabaseSync {
  const foreign = (problem: string) => failure('storage.foreign', { path, problem })
  let db: DatabaseSync | undefined
  try {
    db = openForReading(path)
    const application = db.prepare('pragma application_id').get()?.application_id
    if (application === applicationId) return db
    throw foreign(`it is an SQLite database of another application (application id ${application})`)
  } catch (error) {
    db?.close()
    throw resultCode(error) === notADatabase ? foreign('it has other content') : error
  }
}

/** @throws ProcessingError `backup.damaged` */
async function verify({ folder, data, manifest }: StoredBackup): Promise<void> {
  let db: DatabaseSync | undefined
  try {
    db = openImmutable(data)
    const [found] = db.prepare('pragma integrity_check(1)').all()
    if (found?.integrity_check !== 'ok') throw new Error(String(found?.integrity_check))
    checkContents(folder, manifest, contentsOf(db).rows)
  } catch (error) {
    throw damagedBy(folder, error)
  } finally {
    db?.close()
  }
}

/**
 * @throws ConflictError `storage.not_empty`; ValidationError `storage.incompatible`, `storage.too_new`;
 * CapacityError `backup.disk_full`; ExternalServiceError `storage.io`
 */
async function restore(
  { folder, data, manifest }: StoredBackup,
  { location: name, migrations, restoration }: Parameters<BackupEngine<string>['restore']>[1],
): Promise<void> {
  const path = resolve(name)
  checkNotEarlier(Object.keys(manifest.rows), folder)
  checkKnown(manifest.schema, migrations, path)
  const requireAbsent = () => {
    // SQLite would apply the remaining log of another database to this one.
    for (const there of [path, `${path}-wal`, `${path}-journal`])
      if (existsSync(there)) throw failure('storage.not_empty', { path, problem: `${there} exists` })
  }
  requireAbsent()
  let attempt: string | undefined
  try {
    createFolder(dirname(path), 0o700)
    const at = Date.parse(restoration.at)
    attempt = beginBackupAttempt(path, at)
    const partial = join(attempt, 'troupe.db')
    copyFileSync(data, partial)
    chmodSync(partial, 0o600)
    const db = openForWriting(partial)
    try {
      migrate(db, migrations, path, at)
      for (const { sql, binds } of markRestored(restoration)) db.prepare(sql).run(...binds)
    } finally {
      db.close()
    }
    requireAbsent()
    renameDurably(partial, path)
  } catch (error) {
    const failed = fileFailure(error, path)
    throw failed.code === 'storage.full' ? failure('backup.disk_full', { path }, { cause: error }) : failed
  } finally {
    if (attempt !== undefined) rmSync(attempt, { recursive: true, force: true })
  }
}

function contentsOf(db: DatabaseSync): Contents {
  const names = db
    .prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\'")
    .all()
    .map(({ name }) => String(name))
  const count = (name: string) => Number(db.prepare(`select count(*) as n from "${name}"`).get()?.n)
  const versions = db.prepare('select module, max(version) as version from storage_schema group by module').all()
  return {
    schema: Object.fromEntries(
      versions.map(({ module: moduleName, version }) => [String(moduleName), Number(version)]),
    ),
    rows: Object.fromEntries(names.map((name) => [name, count(name)])),
  }
}

const damagedBy = (folder: string, error: unknown) =>
  error instanceof Error && 'code' in error && error.code === 'backup.damaged'
    ? error
    : damaged(folder, messageOf(error), error)
