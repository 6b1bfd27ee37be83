/**
 * A backup is a folder with one data file and a manifest that describes it. The manifest is written last, and the
 * complete folder is then renamed. A folder with the name of a backup is therefore complete.
 */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import * as z from 'zod'
import { failure, TroupeError } from '../../core/index.ts'
import { isDiskFull } from '../is-disk-full.ts'
import { beginBackupAttempt, writerFile } from './backup-attempt.ts'
import { createFolder, renameDurably } from './rename-durably.ts'

export const manifestSchema = z.strictObject({
  troupe: z.literal('backup'),
  format: z.literal(1),
  engine: z.enum(['sqlite', 'postgres']),
  /** The time of the snapshot as ISO text; it contains every change acknowledged before. */
  at: z.iso.datetime(),
  /** The name of the data file in the same folder. */
  file: z.enum(['troupe.db', 'troupe.jsonl.gz']),
  bytes: z.int().nonnegative(),
  /** The SHA-256 of the data file, hexadecimal. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** The schema version of each module. */
  schema: z.record(z.string(), z.int().positive()),
  /** The number of rows of each table. */
  rows: z.record(z.string(), z.int().nonnegative()),
})
/** The manifest of a backup, stored in its folder. */
export type BackupManifest = z.infer<typeof manifestSchema>

/** The schema versions and row counts that an engine wrote or found. */
export type Contents = Pick<BackupManifest, 'schema' | 'rows'>

/** A backup folder with a valid manifest. `readBackup` has also checked the hash of its data. */
export interface StoredBackup {
  readonly folder: string
  /** The path of the data file. */
  readonly data: string
  readonly manifest: BackupManifest
}

const manifestFile = 'manifest.json'

/**
 * Writes a backup to a new folder; after a failure no files remain.
 * @param write writes the data to the path
 * @throws ConflictError `storage.not_empty`; CapacityError `backup.disk_full`; ExternalServiceError `backup.unwritable`; the
 * errors of `write`
 */
export async function writeBackup(
  folder: string,
  of: Pick<BackupManifest, 'engine' | 'at' | 'file'>,
  write: (path: string) => Promise<Contents>,
  signal?: AbortSignal,
): Promise<BackupManifest> {
  const path = resolve(folder)
  const requireAbsent = () => {
    if (existsSync(path)) throw failure('storage.not_empty', { path, problem: 'something exists under this name' })
  }
  requireAbsent()
  let partial: string | undefined
  try {
    createFolder(dirname(path), 0o700)
    partial = beginBackupAttempt(path, Date.parse(of.at))
    const data = join(partial, of.file)
    const contents = await write(data)
    const found = { bytes: statSync(data).size, sha256: await hashOf(data, signal) }
    const manifest: BackupManifest = { troupe: 'backup', format: 1, ...of, ...found, ...contents }
    writeFileSync(join(partial, manifestFile), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600, flush: true })
    requireAbsent()
    renameDurably(partial, path)
    rmSync(join(path, writerFile), { force: true })
    return manifest
  } catch (error) {
    const isRemoved = partial !== undefined && !existsSync(partial) && !existsSync(path)
    if (partial !== undefined) rmSync(partial, { recursive: true, force: true })
    // An engine reports a target that was removed as a failure of the database.
    if (isRemoved) throw failure('backup.unwritable', { path, problem: 'its folder was removed' }, { cause: error })
    if (isTargetFull(error)) throw failure('backup.disk_full', { path }, { cause: error })
    if (error instanceof TroupeError) throw error
    throw failure('backup.unwritable', { path, problem: (error as Error).message }, { cause: error })
  }
}

/** An engine reports a target that it cannot write as the cause of its own error, or by the name of its working file. */
const isTargetFull = (error: unknown): boolean =>
  isDiskFull(error) || (error instanceof TroupeError && (error.code === 'backup.disk_full' || isDiskFull(error.cause)))

/**
 * Reads the manifest and checks the hash of the data.
 * @throws ValidationError `backup.unreadable`; ProcessingError `backup.damaged`
 */
export async function readBackup(folder: string, signal?: AbortSignal): Promise<StoredBackup> {
  const found = findBackup(folder)
  if ((await hashOf(found.data, signal)) !== found.manifest.sha256)
    throw damaged(found.folder, `${found.manifest.file} has another hash`)
  return found
}

/**
 * Reads the manifest and checks only the existence and size of the data file, for callers that need the manifest alone.
 */
export function findBackup(folder: string): StoredBackup {
  const path = resolve(folder)
  let parsedJson: unknown
  try {
    parsedJson = JSON.parse(readFileSync(join(path, manifestFile), 'utf8'))
  } catch (error) {
    throw failure('backup.unreadable', { path, problem: (error as Error).message }, { cause: error })
  }
  const parsed = manifestSchema.safeParse(parsedJson)
  if (!parsed.success)
    throw failure('backup.unreadable', { path, problem: `its manifest is of another form: ${parsed.error.message}` })
  const manifest = parsed.data
  const data = join(path, manifest.file)
  if (!existsSync(data)) throw damaged(path, `${manifest.file} is missing`)
  const { size } = statSync(data)
  if (size !== manifest.bytes) throw damaged(path, `${manifest.file} has ${size} bytes in place of ${manifest.bytes}`)
  return { folder: path, manifest, data }
}

export const damaged = (path: string, problem: string, cause?: unknown) =>
  failure('backup.damaged', { path, problem }, { cause })

/** Compares row counts. @throws ProcessingError `backup.damaged` naming the first table that differs */
export function checkContents(path: string, { rows }: BackupManifest, found: Contents['rows']): void {
  for (const table of new Set([...Object.keys(rows), ...Object.keys(found)]))
    if (rows[table] !== found[table])
      throw damaged(path, `${table} has ${found[table] ?? 'no'} rows in place of ${rows[table] ?? 'none'}`)
}

async function hashOf(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, signal ? { signal } : {})) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}
