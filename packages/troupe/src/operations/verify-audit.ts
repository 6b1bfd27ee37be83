/** Verifies an audit log without a running troupe: from an export, or from the database itself. */
import type { KeyObject } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import {
  checkOptions,
  checkSignal,
  type Duration,
  failure,
  milliseconds,
  systemClock,
  systemRandom,
  withoutByteOrderMark,
} from '../core/index.ts'
import {
  type AuditReport,
  bookkeepingTables,
  type Checkpoint,
  exportAudit,
  markOf,
  nextUser,
  readCheckpoint,
  verifyExport,
} from '../security/index.ts'
import { absentFile, type OpenedStorage, openStorage, type PostgresOptions } from '../storage/index.ts'
import { migrations, userTables } from './troupe-tables.ts'

/** The options of `verifyAudit`: exactly one of `storage` and `export`. */
export interface VerifyAuditOptions {
  /** A SQLite database that no process has opened, or a PostgreSQL database. */
  readonly storage?: string | PostgresOptions
  /** The result of `troupe.audit.export()`: a path to its lines, or the lines. */
  readonly export?: string | AsyncIterable<string> | Iterable<string>
  /** A path to the lines of checkpoints, or the checkpoints. */
  readonly checkpoints: string | readonly Checkpoint[]
  /** The public Ed25519 key, as PEM of SPKI or a KeyObject; all of them if the key was changed. */
  readonly publicKey: string | KeyObject | readonly (string | KeyObject)[]
  /** The shortest `audit.retention` that the log had, because no younger record may be missing; 1 h by default. */
  readonly retention?: Duration
  /** Ends the call with CancelledError. */
  readonly signal?: AbortSignal
}

const wrong = (what: string, problem: string, cause?: unknown) =>
  failure('validation.failed', { what, problem }, { cause })

/**
 * Verifies a log against its checkpoints and names the first differences.
 * @throws ValidationError for invalid options, lines or keys, and for missing files; CancelledError; the error of
 * opening the storage
 * @example
 * const { ok, findings } = await verifyAudit({ export: 'audit.jsonl', checkpoints: 'checkpoints.jsonl', publicKey })
 */
export async function verifyAudit(options: VerifyAuditOptions): Promise<AuditReport> {
  checkOptions('verifyAudit', options, ['storage', 'export', 'checkpoints', 'publicKey', 'retention', 'signal'])
  const { storage, export: lines, publicKey, signal } = options
  checkSignal('verifyAudit', signal)
  if ((storage === undefined) === (lines === undefined)) throw wrong('verifyAudit', 'it has one of storage and export')
  const publicKeys = Array.isArray(publicKey) ? publicKey : [publicKey as string | KeyObject]
  const retentionMs = options.retention === undefined ? undefined : milliseconds(options.retention, 'retention')
  const signed = { checkpoints: await checkpointsOf(options.checkpoints), publicKeys }
  const check = { signed, retentionMs, signal }
  if (lines !== undefined) return verifyExport({ lines: linesOf(lines), ...check })
  rejectAbsent(storage)
  const opened = await openStorage({
    ...(typeof storage === 'string' ? { url: storage } : { url: 'postgres:', postgres: storage as PostgresOptions }),
    migrations,
    clock: systemClock,
    random: systemRandom,
  })
  try {
    const marksWithRows = await marksOfUsers(opened)
    return await verifyExport({ lines: exportAudit(opened), marksWithRows, ...check })
  } finally {
    await opened.close()
  }
}

/** Returns the marks of all users with rows besides those of the audit log. */
export async function marksOfUsers(storage: OpenedStorage): Promise<ReadonlySet<string>> {
  const tables = userTables.filter(
    ({ name, only }) => !bookkeepingTables.includes(name) && (only === undefined || only === storage.dialect.name),
  )
  const marks = new Set<string>()
  for (let user = await nextUser(storage, tables, ''); user !== undefined; user = await nextUser(storage, tables, user))
    marks.add(markOf(user))
  return marks
}

/** A misspelled path would create a database, which would look like an emptied log. */
function rejectAbsent(storage: unknown): void {
  const missing = typeof storage === 'string' ? absentFile(storage) : undefined
  if (!missing) return
  const near = missing.near === undefined ? '' : `; did you mean ${missing.near}?`
  throw wrong('The storage of verifyAudit', `there is no file ${missing.path}${near}`)
}

async function* linesOf(lines: NonNullable<VerifyAuditOptions['export']>): AsyncIterable<string> {
  if (typeof lines === 'object' && lines !== null) return yield* lines
  if (typeof lines !== 'string') throw wrong('The export', 'it is neither a path to lines nor the lines')
  try {
    yield* createInterface({ input: createReadStream(lines, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY })
  } catch (error) {
    throw wrong(`The export ${lines}`, (error as Error).message, error)
  }
}

/** @throws ValidationError for a file that cannot be read, and for lines that are not checkpoints */
export async function checkpointsOf(source: string | readonly Checkpoint[]): Promise<readonly Checkpoint[]> {
  if (Array.isArray(source)) return source.map((one, i) => readCheckpoint(one, `checkpoint ${i + 1}`))
  if (typeof source !== 'string') throw wrong('The checkpoints', 'they are neither a path to lines of them nor a list')
  const text = await readFile(source, 'utf8').catch((error: Error) => {
    throw wrong(`The checkpoints ${source}`, error.message, error)
  })
  return text.split('\n').flatMap((line, i) => {
    const value = line.trim() === '' ? undefined : parsed(line)
    return value === undefined ? [] : [readCheckpoint(value, `Line ${i + 1} of ${source}`)]
  })
}

/** @returns undefined for a line that a crash cut off, which did not count as delivered; null for other text */
function parsed(line: string): unknown {
  try {
    return JSON.parse(withoutByteOrderMark(line))
  } catch {
    return line.startsWith('{') ? undefined : null
  }
}
