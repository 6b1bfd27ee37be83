/**
 * Reads the documents of folders one after the other, each text handed on and not kept. What is skipped is listed
 * with its reason; only a folder that gives nothing at all is an error.
 */
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { type DocumentKind, kindOf } from './extract.ts'
import { InputError } from './input-error.ts'
import { readText } from './read-text.ts'
import { type FoundFile, maxFiles, walkFolder } from './walk-folder.ts'

/** One file that was read. `path` is how it is cited; `file` is where it lies. */
export interface SourceDocument {
  readonly path: string
  readonly file: string
  readonly kind: DocumentKind
  readonly bytes: number
}

export interface SkippedFile {
  readonly path: string
  readonly reason: string
}

export interface DocumentSources {
  readonly folders: readonly string[]
  /** Single files that are read besides the folders. */
  readonly files?: readonly string[]
}

export interface LoadOptions {
  /** Paths are cited relative to this folder (default: the working directory); files outside it by their whole path. */
  readonly base?: string
  readonly signal?: AbortSignal
}

export type Loaded = { readonly document: SourceDocument; readonly text: string } | { readonly skipped: SkippedFile }

/** Files read ahead at once, in number and bytes: enough to keep the disk busy, little to keep in memory. */
const aheadFiles = 32
const aheadBytes = 2 * 1024 * 1024

/**
 * Gives each document with its text, then each skipped file, in an order that depends on names alone. A file that is
 * reached twice is read once.
 * @throws InputError for a folder that is missing, unreadable, not a folder, or without one readable document
 * @example
 * for await (const loaded of loadDocuments({ folders: ['docs'] })) if ('document' in loaded) index(loaded)
 */
export async function* loadDocuments(sources: DocumentSources, options: LoadOptions = {}): AsyncGenerator<Loaded> {
  if (sources.folders.length === 0 && !sources.files?.length) throw new InputError('No folder of documents is named.')
  const cite = citedFrom(resolve(options.base ?? '.'))
  const seen = new Set<string>()
  const skipped = new Map<string, string>()
  for (const folder of sources.folders) {
    const walk = await walkFolder(resolve(folder))
    const here = new Map(walk.skipped.map(({ file, reason }) => [cite(file), reason]))
    const fresh = unseen(walk.files, seen)
    let read = 0
    for await (const one of readAll(fresh, cite, options.signal)) {
      if ('skipped' in one) here.set(one.skipped.path, one.skipped.reason)
      else {
        read += 1
        yield one
      }
    }
    // A folder inside another one that is named too gives nothing new, and that is no mistake.
    if (read === 0 && fresh.length === walk.files.length) throw emptyFolder(folder, here)
    for (const [path, reason] of here) skipped.set(path, reason)
  }
  const files = (sources.files ?? []).map((file) => ({ file: resolve(file), real: resolve(file), bytes: 0 }))
  for await (const one of readAll(unseen(files, seen), cite, options.signal)) {
    if ('skipped' in one) skipped.set(one.skipped.path, one.skipped.reason)
    else yield one
  }
  for (const [path, reason] of skipped) yield { skipped: { path, reason } }
}

function unseen(files: readonly FoundFile[], seen: Set<string>): FoundFile[] {
  const fresh: FoundFile[] = []
  for (const found of files) {
    if (!seen.has(found.real)) fresh.push(found)
    seen.add(found.real)
  }
  if (seen.size > maxFiles)
    throw new InputError(`The folders hold more than ${maxFiles.toLocaleString('en')} files in all: name fewer.`)
  return fresh
}

async function* readAll(files: readonly FoundFile[], cite: (file: string) => string, signal?: AbortSignal) {
  for (let start = 0; start < files.length; ) {
    signal?.throwIfAborted()
    let end = start
    let bytes = 0
    while (end < files.length && end - start < aheadFiles && (end === start || bytes <= aheadBytes))
      bytes += files[end++]?.bytes ?? 0
    const group = files.slice(start, end)
    const texts = await Promise.all(group.map((found) => readText(found.file)))
    for (const [i, { file }] of group.entries()) {
      const read = texts[i]
      const path = cite(file)
      if (read?.ok) {
        const document = { path, file, kind: kindOf(path), bytes: Buffer.byteLength(read.text) }
        yield { document, text: read.text } satisfies Loaded
      } else if (read) yield { skipped: { path, reason: read.reason } } satisfies Loaded
    }
    start = end
  }
}

function citedFrom(base: string): (file: string) => string {
  return (file) => {
    const inside = relative(base, file)
    const path = inside.startsWith('..') || isAbsolute(inside) ? file : inside
    return path.split(sep).join('/')
  }
}

function emptyFolder(folder: string, skipped: ReadonlyMap<string, string>): InputError {
  if (skipped.size === 0) return new InputError(`The folder ${folder} is empty.`)
  const few = [...skipped].slice(0, 3).map(([path, reason]) => `${path}: ${reason}`)
  const more = skipped.size > few.length ? `; and ${skipped.size - few.length} more` : ''
  return new InputError(`The folder ${folder} holds no document that can be read (${few.join('; ')}${more}).`)
}
