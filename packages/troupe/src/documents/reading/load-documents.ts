/**
 * Finds the documents of folders and yields their texts one after the other, so that only few are in memory. Skipped files
 * are listed with the reason. Only a folder without a readable document is an error.
 */
import { realpath } from 'node:fs/promises'
import { basename, dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import type { FileVersion } from '../index-file.ts'
import { type Conversions, type ReadText, readText } from './read-text.ts'
import { type FoundFile, fileVersion, maxFiles, unreadable, walkFolder } from './walk-folder.ts'

/** A file that was not read. */
export interface SkippedFile {
  /** The path, as it would be cited. */
  readonly path: string
  /** Why it was not read. */
  readonly reason: string
}

/** The documents of an index. */
export interface DocumentSources {
  /** The folders, which are read with their subfolders. */
  readonly folders: readonly string[]
  /** Files that are read besides the folders; none by default. */
  readonly files?: readonly string[]
}

export interface LoadOptions {
  /** Cited paths are relative to this folder (the working directory by default); files outside it have absolute paths. */
  readonly base?: string
  readonly signal?: AbortSignal
  readonly conversions?: Conversions
  /** Whether a file need not be read, because this version of it is known. */
  readonly isKnown?: (found: Found) => boolean
}

export interface Found {
  /** The cited path. */
  readonly path: string
  /** The path in the file system. */
  readonly file: string
  /** The path from the named folder, with the name of that folder; of a named file its name. Its words count. */
  readonly name: string
  readonly version: FileVersion | undefined
}

/** A file with its text, which is undefined if the file is already known; or a skipped file. */
export type Loaded = { readonly found: Found; readonly read: ReadText | undefined } | { readonly skipped: SkippedFile }

/** The number and the bytes of files that are read at once, which bound the memory. */
const aheadFiles = 32
const aheadBytes = 2 * 1024 * 1024

/**
 * Yields each file with its text, then each entry that is not read because of its name or kind, in an order that depends
 * on names alone. A file that is reached twice, also by links, is yielded once.
 * @throws ValidationError `documents.unreadable` for a folder that is missing, unreadable, not a folder, or without one
 * readable document
 * @example
 * for await (const one of loadDocuments({ folders: ['docs'] })) if ('read' in one && one.read?.ok) index(one.read.text)
 */
export async function* loadDocuments(sources: DocumentSources, options: LoadOptions = {}): AsyncGenerator<Loaded> {
  if (sources.folders.length === 0 && !sources.files?.length) throw unreadable('No folder of documents is named.')
  const cite = citedFrom(resolve(options.base ?? '.'))
  const seen = new Set<string>()
  const skipped = new Map<string, string>()
  for (const folder of sources.folders) {
    const walk = await walkFolder(resolve(folder))
    const here = new Map(walk.skipped.map(({ file, reason }) => [cite(file), reason]))
    const fresh = unseen(walk.files, seen)
    let usable = 0
    const above = dirname(resolve(folder))
    const found = fresh.map((one) => foundIn(one, cite, withSlashes(relative(above, one.file))))
    for await (const one of readAll(found, options)) {
      if (one.read?.ok === false) here.set(one.found.path, one.read.reason)
      else usable += 1
      yield one
    }
    // A folder inside another named folder has no new files, which is no error.
    if (usable === 0 && fresh.length === walk.files.length) throw emptyFolder(folder, here)
    for (const { file, reason } of walk.skipped) skipped.set(cite(file), reason)
  }
  const files: FoundFile[] = []
  for (const path of sources.files ?? []) {
    const file = resolve(path)
    const real = await realpath(file).catch(() => file)
    files.push({ file, real, version: await fileVersion(file) })
  }
  const named = unseen(files, seen).map((one) => foundIn(one, cite, basename(one.file)))
  yield* readAll(named, options)
  for (const [path, reason] of skipped) yield { skipped: { path, reason } }
}

function unseen(files: readonly FoundFile[], seen: Set<string>): FoundFile[] {
  const fresh: FoundFile[] = []
  for (const found of files) {
    if (!seen.has(found.real)) fresh.push(found)
    seen.add(found.real)
  }
  if (seen.size > maxFiles)
    throw unreadable(`The folders hold more than ${maxFiles.toLocaleString('en')} files in all: name fewer.`)
  return fresh
}

const foundIn = ({ file, version }: FoundFile, cite: (file: string) => string, name: string): Found => ({
  path: cite(file),
  file,
  name,
  version,
})

async function* readAll(files: readonly Found[], options: LoadOptions) {
  for (let start = 0; start < files.length; ) {
    options.signal?.throwIfAborted()
    let end = start
    let bytes = 0
    while (end < files.length && end - start < aheadFiles && (end === start || bytes <= aheadBytes))
      bytes += files[end++]?.version?.[0] ?? 0
    const group = files.slice(start, end)
    const reads = await Promise.all(
      group.map((found) => (options.isKnown?.(found) ? undefined : readText(found.file, options.conversions))),
    )
    for (const [i, found] of group.entries()) yield { found, read: reads[i] } satisfies Loaded
    start = end
  }
}

function citedFrom(base: string): (file: string) => string {
  return (file) => {
    const inside = relative(base, file)
    const path = inside.startsWith('..') || isAbsolute(inside) ? file : inside
    return withSlashes(path)
  }
}

const withSlashes = (path: string) => path.split(sep).join('/')

function emptyFolder(folder: string, skipped: ReadonlyMap<string, string>) {
  if (skipped.size === 0) return unreadable(`The folder ${folder} is empty.`)
  const few = [...skipped].slice(0, 3).map(([path, reason]) => `${path}: ${reason}`)
  const more = skipped.size > few.length ? `; and ${skipped.size - few.length} more` : ''
  return unreadable(`The folder ${folder} holds no document that can be read (${few.join('; ')}${more}).`)
}
