/** Opens a database in memory or in a file, after migrating its schema. */
import { readdirSync, statSync } from 'node:fs'
import { basename, dirname, extname } from 'node:path'
import { checkOptionNames, failure, invalidInput, nearest } from '../../core/index.ts'
import { StorageCleanup } from '../cleanup/storage-cleanup.ts'
import { retentionBounds } from '../cleanup/storage-retention.ts'
import type { Disk } from '../disk.ts'
import type { Migration } from '../migrations/migration.ts'
import { storageMigrations } from '../migrations/storage-migrations.ts'
import { ChangeObservers } from '../notifications/change-observers.ts'
import { Hints } from '../notifications/hints.ts'
import type { AbsentFile, OpenedStorage, OpenStorageOptions } from '../open-storage-options.ts'
import { withFaults } from '../wrappers/faults.ts'
import type { WriterReply, WriterShell } from '../writer-port.ts'
import { storageCleanupTasks } from './cleanup-tasks.ts'
import { CommitQueue } from './commits/commit-queue.ts'
import { messageOf } from './error-class.ts'
import { openFile, pendingInFile } from './file/database-file.ts'
import { openInMemory } from './file/open-for-writing.ts'
import { migrate } from './migrate.ts'
import { openDisk } from './open-disk.ts'
import { Reader } from './reader.ts'
import { SqliteStorage } from './storage.ts'
import { createFileWriter } from './writer/file-writer.ts'
import { findWriterThread, threadShell } from './writer/thread-shell.ts'
import { Writer } from './writer/writer.ts'

/**
 * 16 MB of log: small enough to read fast after a crash, and large enough that pages are written back once for many
 * commits. The log's index grows by segments of 4,096 pages, and a read searches each
 * (https://sqlite.org/walformat.html).
 */
const checkpointPages = 4_000
/** The maximum number of pages that a clean-up frees: 8 MB in pages of 4 KB. */
const vacuumPages = 2_000

/** The parts that differ between memory and a file. */
interface Opened {
  readonly location: string
  readonly shell: WriterShell
  readonly reader: Reader
  readonly logSize: () => number
  readonly announce: (address: string | undefined) => void
  readonly release: () => void
}

/**
 * Opens a database in memory or in a file.
 * @throws ValidationError `storage.foreign`, `storage.incompatible`, `storage.too_new`, `validation.failed`;
 * ConflictError `storage.owned`, `storage.not_empty`; ProcessingError `storage.corrupt`; ExternalServiceError `storage.read_only`,
 * `storage.io`; CapacityError `storage.full`
 * @example const storage = await openStorage({ url: 'sqlite:./data/troupe.db', migrations, clock, random })
 */
export async function openSqlite(options: OpenStorageOptions): Promise<OpenedStorage> {
  checkOptionNames('openStorage', options, [
    'url',
    'migrations',
    'clock',
    'random',
    'retention',
    'ownerSettings',
    'onServerTime',
    'faults',
    'time',
    'production',
  ])
  retentionBounds(options.retention)
  const path = pathOf(options.url)
  const migrations = [...storageMigrations, ...options.migrations]
  const at = Math.floor(options.clock.now())
  return assemble(
    path === undefined ? inMemory(migrations, at, options.faults?.disk) : await inFile(path, migrations, at),
    options,
  )
}

/**
 * Returns the pending migrations without opening the database.
 * @throws ValidationError for an unknown URL; the errors of inspecting the file
 */
export async function pendingOf(url: string, migrations: readonly Migration[]): Promise<readonly Migration[]> {
  const path = pathOf(url)
  return path === undefined ? [] : pendingInFile(path, migrations)
}

/**
 * Returns the missing file that opening would create, without opening the database.
 * @returns the path, and the name beside it that is most similar; undefined if opening would create no file
 * @throws ValidationError for an unknown URL
 */
export function absentOf(url: string): AbsentFile | undefined {
  const path = pathOf(url)
  if (path === undefined || !isAbsent(path)) return undefined
  const near = nearest(basename(path), namesBeside(path))
  return { path, ...(near === undefined ? {} : { near: `${path.slice(0, -basename(path).length)}${near}` }) }
}

/** Returns false if the file cannot be inspected; opening then reports the error. */
function isAbsent(path: string): boolean {
  try {
    statSync(path)
    return false
  } catch (error) {
    return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
  }
}

function namesBeside(path: string): readonly string[] {
  try {
    return readdirSync(dirname(path)).filter((name) => extname(name) === extname(path))
  } catch {
    return []
  }
}

const longestUrl = 8_192

/** @returns the path of a file, undefined for memory */
function pathOf(url: string): string | undefined {
  if (url === 'memory:') return undefined
  const path = url.length > longestUrl ? undefined : /^sqlite:(?:\/\/)?(?!:memory:|file:)(.+)$/s.exec(url)?.[1]
  if (path === undefined || path.includes('\0')) throw invalidInput('The URL of the storage', errorProblem(url))
  return path
}

/** A misspelt URL may be that of a server and contain a password, so the message repeats only its scheme. */
function errorProblem(url: string): string {
  if (url.length > longestUrl) return `it has ${url.length} characters`
  if (url.includes('\0')) return 'it holds a NUL'
  if (url.startsWith('sqlite:file:')) return 'after sqlite: comes a path, without file:'
  if (url.startsWith('sqlite:')) return 'it names no path; the URL of a storage in memory is memory:'
  const begin = url.slice(0, url.indexOf(':') + 1)
  const forms = 'memory:, sqlite:PATH and postgres://…'
  const file = /^[\w./\\ -]+\.\w+$/.test(url) ? `; that file is sqlite:${url}` : ''
  return begin === ''
    ? `it has no scheme, as ${forms} have${file}`
    : `it begins with ${JSON.stringify(begin)}, and not as ${forms} do`
}

function inMemory(migrations: readonly Migration[], at: number, disk: Disk | undefined): Opened {
  return {
    location: 'memory',
    ...(disk ? openDisk(disk, migrations, at, checkpointPages) : ownMemory(migrations, at)),
    logSize: () => 0,
    announce: () => {},
    // The writer has closed the database.
    release: () => {},
  }
}

function ownMemory(migrations: readonly Migration[], at: number): Pick<Opened, 'shell' | 'reader'> {
  const db = openInMemory()
  migrate(db, migrations, 'memory', at)
  return {
    shell: inlineShell(new Writer({ open: () => db, reopens: false })),
    reader: new Reader({ db, readOnly: false }),
  }
}

async function inFile(name: string, migrations: readonly Migration[], at: number): Promise<Opened> {
  const file = openFile({ path: name, migrations, at })
  const { path, reading } = file
  const thread = findWriterThread()
  try {
    return {
      location: path,
      // A bundled program has no file for the thread, so it writes on the calling thread.
      shell: thread
        ? await threadShell(thread, { path, checkpointPages })
        : inlineShell(createFileWriter({ path, checkpointPages })),
      reader: new Reader({ db: reading, readOnly: true }),
      logSize: () => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0,
      announce: file.announce,
      release: file.release,
    }
  } catch (error) {
    reading.close()
    file.release()
    throw failure('storage.io', { path, problem: messageOf(error) }, { cause: error })
  }
}

function assemble(opened: Opened, { clock, retention = {}, faults }: OpenStorageOptions): OpenedStorage {
  const hints = new Hints()
  const shell = faults ? withFaults(opened.shell, faults) : opened.shell
  const observers = new ChangeObservers()
  const answering = () => opened.reader.renew()
  const queue = new CommitQueue({ shell, clock, hints, observers, location: opened.location, answering })
  const storage = new SqliteStorage({ ...opened, queue, hints, observers, clock })
  const storageCleanup = new StorageCleanup({
    clock,
    retention,
    cleanupTasks: storageCleanupTasks(storage, clock),
    afterwards: () => queue.vacuum(vacuumPages),
  })
  storage.attachCleanup(storageCleanup)
  return storage
}

/** Runs the writer on the calling thread: for databases in memory, and for programs without a file for the thread. */
function inlineShell(writer: Writer): WriterShell {
  return {
    threaded: false,
    async send(request) {
      const reply = writer.handle(request)[0] as WriterReply
      if (request.kind === 'batch' || request.kind === 'slice') writer.tend()
      return reply
    },
    close: async () => writer.close(),
  }
}
