/**
 * Stores the index of some documents in one file, so that they are not read again at the next opening. The file is replaced
 * as a whole, so that concurrent readers and writers see a complete index. A file that is damaged or of another version is
 * ignored.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { failure } from '../core/index.ts'
import { createFolder } from '../storage/index.ts'

/** Must be increased when the records, the terms or the passages of a text change. */
const formatVersion = 7
const format = `troupe documents ${formatVersion}`

/** Size in bytes, modification and change in ms: equal ones mean an unchanged file. */
export type FileVersion = readonly [size: number, modifiedMs: number, changedMs: number]

export interface StoredEntry {
  /** The absolute path. */
  readonly file: string
  /** The path by which it is cited. */
  readonly path: string
  /** The path whose words count. */
  readonly name: string
  /** Absent if the file was so new that a later change might have the same times. */
  readonly version?: FileVersion
  /** SHA-256 of the file's bytes, in base64; absent if the file was not read. */
  readonly hash?: string
  /** The reason for which the file is not indexed. */
  readonly skipped?: string
  /** The name of the embedding model that created the vectors of the document; absent if it has none. */
  readonly vectorModel?: string
}

export interface IndexRecord {
  readonly entry: StoredEntry
  /** The packed record of the document; empty for a file that is not indexed. */
  readonly content: Uint8Array
  /** The vectors of its units, as `packVectors` gives them. */
  readonly vectors?: Uint8Array
}

interface Header {
  readonly format: string
  readonly entries: readonly (StoredEntry & { readonly length: number; readonly vectorsLength?: number })[]
}

const digestLength = 44
/** The number of pieces in one write; systems accept up to 1,024. */
const partsAtOnce = 500

/** Reads a stored index; no records for a file that is missing, damaged or of another version. */
export async function readIndexFile(path: string): Promise<ReadonlyMap<string, IndexRecord>> {
  const records = new Map<string, IndexRecord>()
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch {
    return records
  }
  const body = bytes.subarray(digestLength)
  if (digestOf([body]) !== bytes.toString('latin1', 0, digestLength)) return records
  const end = body.indexOf(0x0a)
  const header = JSON.parse(body.toString('utf8', 0, end)) as Header
  if (header.format !== format) return records
  let at = end + 1
  for (const { length, vectorsLength = 0, ...entry } of header.entries) {
    const content = body.subarray(at, at + length)
    const vectors = body.subarray(at + length, at + length + vectorsLength)
    records.set(entry.file, { entry, content, ...(vectorsLength > 0 ? { vectors } : {}) })
    at += length + vectorsLength
  }
  return records
}

/** @throws ValidationError `documents.unstorable` for a path that cannot be written */
export async function writeIndexFile(path: string, records: readonly IndexRecord[]): Promise<void> {
  const entries = records.map(({ entry, content, vectors }) => ({
    ...entry,
    length: content.length,
    ...(vectors ? { vectorsLength: vectors.length } : {}),
  }))
  const header = Buffer.from(`${JSON.stringify({ format, entries } satisfies Header)}\n`)
  const parts = [header, ...records.flatMap(({ content, vectors = new Uint8Array() }) => [content, vectors])]
  let draft: string | undefined
  try {
    draft = await mkdtemp(`${path}.`)
    const file = await open(join(draft, 'index'), 'wx')
    try {
      await file.writeFile(digestOf(parts))
      for (let from = 0; from < parts.length; from += partsAtOnce)
        await file.writev(parts.slice(from, from + partsAtOnce))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(join(draft, 'index'), path)
  } catch (cause) {
    throw failure('documents.unstorable', { path, problem: (cause as Error).message }, { cause })
  } finally {
    if (draft !== undefined) await rm(draft, { recursive: true, force: true })
  }
}

/**
 * Returns the time of the file system in ms: a file that changed within the second before may change once more and have
 * the same times.
 * @throws ValidationError `documents.unstorable` for a path that cannot be written
 */
export async function timeAt(path: string): Promise<number> {
  try {
    createFolder(dirname(path))
    const probe = await mkdtemp(`${path}.`)
    const { ctimeMs } = await stat(probe)
    await rm(probe, { recursive: true, force: true })
    return ctimeMs
  } catch (cause) {
    throw failure('documents.unstorable', { path, problem: (cause as Error).message }, { cause })
  }
}

function digestOf(parts: readonly Uint8Array[]): string {
  const digest = createHash('sha256')
  for (const part of parts) digest.update(part)
  return digest.digest('base64')
}
