/**
 * The file of a database: inspected before any write, created if missing, and never changed if it belongs to another
 * program.
 *
 * Order of checks:
 * 1. The program that the file belongs to, from its first 100 bytes, without SQLite, which would create files beside
 * it.
 * 2. The owner lock.
 * 3. The program once more, because no other process can create the file now.
 * 4. Integrity and readability. Only then follows the first write.
 */
import { accessSync, closeSync, constants, existsSync, openSync, readSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { failure } from '../../../core/index.ts'
import { createFolder } from '../../backup/rename-durably.ts'
import { pendingAfter } from '../../migrations/applied-migrations.ts'
import type { Migration } from '../../migrations/migration.ts'
import { DatabaseSync } from '../database-sync.ts'
import { appliedTo, isCurrent, migrate } from '../migrate.ts'
import { fileFailure } from './file-failure.ts'
import { applicationId, openForReading, openForWriting, openImmutable } from './open-for-writing.ts'
import { OwnerLock } from './owner-lock.ts'

export interface DatabaseFileOptions {
  readonly path: string
  readonly migrations: readonly Migration[]
  /** ms since 1970. */
  readonly at: number
}

export interface DatabaseFile {
  /** The absolute path without symbolic links. */
  readonly path: string
  readonly reading: DatabaseSync
  readonly announce: (address: string | undefined) => void
  /** Releases the owner lock; the connections must be closed. */
  readonly release: () => void
}

/** Up to this size every page is checked at each start: 32 MB take some 50 ms. */
const maxCheckedSize = 32 * 1024 * 1024

export function openFile({ path: name, migrations, at }: DatabaseFileOptions): DatabaseFile {
  let path = resolve(name)
  try {
    path = locate(path)
    // If the lock file exists, another part of this process may have the database open. Opening it separately would
    // then drop those locks, because fcntl locks end when any descriptor of the file is closed.
    if (!OwnerLock.existsFor(path)) inspect(path)
    const lock = OwnerLock.acquire(path, at)
    try {
      if (inspect(path) === 'none') create(path)
      lock.announce()
      return {
        path,
        reading: openChecked(path, migrations, at),
        announce: (to) => lock.announce(to),
        release: () => lock.release(),
      }
    } catch (error) {
      lock.release()
      throw error
    }
  } catch (error) {
    throw fileFailure(error, path)
  }
}

/** Resolves symbolic links, so that one file has one lock, and creates a missing folder. */
function locate(path: string): string {
  if (existsSync(path)) return realpathSync(path)
  let parent = dirname(path)
  while (!existsSync(parent)) parent = dirname(parent)
  // Checked here, because the error of mkdir does not always show missing permissions.
  accessSync(parent, constants.W_OK)
  createFolder(dirname(path), 0o700)
  return join(realpathSync(dirname(path)), basename(path))
}

/**
 * Inspects the file without changing it.
 * @throws ValidationError `storage.foreign`; ExternalServiceError `storage.read_only`
 */
function inspect(path: string): 'none' | 'ours' {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) return 'none'
  if (!stat.isFile())
    throw failure('storage.foreign', { path, problem: stat.isDirectory() ? 'it is a folder' : 'it is not a file' })
  if (stat.size > 0) {
    const problem = foreignness(firstBytes(path))
    if (problem !== undefined) throw failure('storage.foreign', { path, problem })
  }
  accessSync(path, constants.R_OK | constants.W_OK)
  accessSync(dirname(path), constants.W_OK)
  if (stat.nlink > 1) {
    const problem = `it has ${stat.nlink} names (hard links), and each would have its own log`
    throw failure('storage.read_only', { path, problem })
  }
  return stat.size === 0 ? 'none' : 'ours'
}

/** Returns the header, which has 100 bytes (https://sqlite.org/fileformat.html). */
function firstBytes(path: string): Buffer {
  const header = Buffer.alloc(100)
  const descriptor = openSync(path, 'r')
  try {
    return header.subarray(0, readSync(descriptor, header, 0, 100, 0))
  } finally {
    closeSync(descriptor)
  }
}

function foreignness(header: Buffer): string | undefined {
  if (header.toString('latin1', 0, 16) !== 'SQLite format 3\0' || header.length < 100) return 'it has other content'
  const application = header.readUInt32BE(68)
  if (application === applicationId) return undefined
  return `it is an SQLite database of another application (application id ${application})`
}

/**
 * Creates a file whose first write contains the application id, so that after a crash the file is empty or
 * identifiable.
 * @throws ConflictError `storage.not_empty` if the log of another database has changes
 */
function create(path: string): void {
  // SQLite would remove the log, which has changes that the moved file lacks.
  if (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size)
    throw failure('storage.not_empty', {
      path,
      problem: `${path}-wal exists, the log of a database that was moved away`,
    })
  if (!existsSync(path)) closeSync(openSync(path, 'wx', 0o600))
  const db = new DatabaseSync(path)
  try {
    db.exec('pragma synchronous = extra')
    // In one transaction: setting auto_vacuum alone would be a first write without the id.
    db.exec(`begin; pragma auto_vacuum = incremental; pragma application_id = ${applicationId}; commit`)
  } finally {
    db.close()
  }
}

function openChecked(path: string, migrations: readonly Migration[], at: number): DatabaseSync {
  // A read-only connection cannot roll back an interrupted creation.
  const interrupted = existsSync(`${path}-journal`)
  const check = (reading: DatabaseSync) => {
    if (statSync(path).size <= maxCheckedSize) checkIntegrity(reading, path)
    return isCurrent(reading, migrations, path)
  }
  const current = !interrupted && readFile(path, check)
  const writing = openForWriting(path)
  try {
    if (writing.prepare('pragma journal_mode').get()?.journal_mode !== 'wal') {
      const problem = 'its file system has no shared memory, which the write-ahead log needs (a network drive?)'
      throw failure('storage.read_only', { path, problem })
    }
    if (!current) migrate(writing, migrations, path, at)
    return openForReading(path)
  } finally {
    writing.close()
  }
}

/**
 * Returns the pending migrations without acquiring the owner lock.
 * @throws the errors of `inspect`; ValidationError `storage.incompatible`; ProcessingError `storage.corrupt`
 */
export function pendingInFile(name: string, migrations: readonly Migration[]): readonly Migration[] {
  if (!existsSync(name)) return []
  const path = realpathSync(name)
  try {
    // As in `openFile`: this process may have the database open.
    if (!OwnerLock.existsFor(path) && inspect(path) === 'none') return []
    return readFile(path, (reading) => pendingAfter(appliedTo(reading, path).applied, migrations))
  } catch (error) {
    throw fileFailure(error, path)
  }
}

/** Reads the file on a connection that cannot change it. */
function readFile<T>(path: string, read: (reading: DatabaseSync) => T): T {
  const reading = existsSync(`${path}-wal`) ? openForReading(path) : openImmutable(path)
  try {
    return read(reading)
  } finally {
    reading.close()
  }
}

function checkIntegrity(db: DatabaseSync, path: string): void {
  const [found] = db.prepare('pragma quick_check(1)').all()
  const problem = String(found?.quick_check ?? 'the check gave no answer')
  if (problem !== 'ok') throw failure('storage.corrupt', { path, problem })
}
