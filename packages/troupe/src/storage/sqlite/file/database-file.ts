/**
 * The file of a database: looked at before it is touched, created where there is none, never changed where it is not
 * ours.
 *
 * Order: whose file it is (from its first 100 bytes, without SQLite, which would put files beside it); who owns it;
 * again whose it is, now that nobody else can create it; whether it is sound and readable; only then the first write.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { failure } from '../../../core/index.ts'
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
  /** Absolute, without symbolic links. */
  readonly path: string
  readonly reading: DatabaseSync
  readonly announce: (address: string | undefined) => void
  /** Lets others own it; its connections are closed. */
  readonly release: () => void
}

/** Up to this size every page is checked at each start: 32 MB take some 50 ms. */
const maxCheckedSize = 32 * 1024 * 1024

export function openFile({ path: name, migrations, at }: DatabaseFileOptions): DatabaseFile {
  let path = resolve(name)
  try {
    path = locate(path)
    // Where there is a lock, another part of this process may have the file open, and opening it once more by hand
    // would take that one's locks away (fcntl locks end when any descriptor of the file is closed).
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

/** Sees through symbolic links, so that one file has one lock; makes the folder where there is none. */
function locate(path: string): string {
  if (existsSync(path)) return realpathSync(path)
  const missing: string[] = []
  let parent = dirname(path)
  for (; !existsSync(parent); parent = dirname(parent)) missing.unshift(parent)
  // Asked here, for the error of mkdir does not always say that it is a matter of rights.
  accessSync(parent, constants.W_OK)
  // One by one: below what takes no folders, such as /proc, Node's recursive mkdir never ends.
  for (const folder of missing) makeFolder(folder)
  return join(realpathSync(dirname(path)), basename(path))
}

/** Another process may be as quick. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/**
 * Reads only.
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

/** https://sqlite.org/fileformat.html: the header has 100 bytes. */
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

/** The id of the application is in the very first write, so that whatever a crash leaves is empty or known as ours. */
function create(path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, 'wx', 0o600))
  const db = new DatabaseSync(path)
  try {
    db.exec('pragma synchronous = extra')
    // Together: the mode of vacuuming alone would be a first write without the id.
    db.exec(`begin; pragma auto_vacuum = incremental; pragma application_id = ${applicationId}; commit`)
  } finally {
    db.close()
  }
}

function openChecked(path: string, migrations: readonly Migration[], at: number): DatabaseSync {
  // A read-only connection cannot roll back what a crash at creation left.
  const interrupted = existsSync(`${path}-journal`)
  const current = !interrupted && checkRead(path, migrations)
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
 * On a connection that cannot change the file.
 * @returns whether the schema is up to date
 */
function checkRead(path: string, migrations: readonly Migration[]): boolean {
  const reading = existsSync(`${path}-wal`) ? openForReading(path) : openImmutable(path)
  try {
    if (statSync(path).size <= maxCheckedSize) checkIntegrity(reading, path)
    return isCurrent(reading, migrations, path)
  } finally {
    reading.close()
  }
}

/** Looks without opening it for work, whoever has it. @throws what `inspect` does; ValidationError `storage.incompatible` */
export function pendingInFile(path: string, migrations: readonly Migration[]): readonly Migration[] {
  if (inspect(path) === 'none') return []
  const reading = existsSync(`${path}-wal`) ? openForReading(path) : openImmutable(path)
  try {
    return pendingAfter(appliedTo(reading, path), migrations)
  } finally {
    reading.close()
  }
}

function checkIntegrity(db: DatabaseSync, path: string): void {
  const [found] = db.prepare('pragma quick_check(1)').all()
  const problem = String(found?.quick_check ?? 'the check gave no answer')
  if (problem !== 'ok') throw failure('storage.corrupt', { path, problem })
}
