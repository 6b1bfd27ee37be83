/**
 * Walks one folder and lists its files in an order that does not depend on the file system. Each real folder is
 * visited once, so that links cannot make the walk endless. A link that leads out of the folder is not followed.
 */
import type { Dirent, Stats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { failure, TroupeError } from '../../core/index.ts'
import type { FileVersion } from '../index-file.ts'
import { maxFileBytes, reasonOf, tooLarge } from './read-text.ts'

/** The maximal number of files of all folders. */
export const maxFiles = 100_000

export interface FoundFile {
  readonly file: string
  readonly real: string
  /** Undefined if the file has no readable status; the attempt to read it gives the reason. */
  readonly version: FileVersion | undefined
}

export interface Walk {
  readonly files: FoundFile[]
  readonly skipped: { readonly file: string; readonly reason: string }[]
}

/**
 * Lists the files under a folder, sorted by name in each folder. Hidden entries, folders named node_modules, files over
 * 8 MB and entries that are not regular files are listed as skipped.
 * @throws ValidationError `documents.unreadable` where the folder itself is missing, unreadable or not a folder
 */
export async function walkFolder(folder: string): Promise<Walk> {
  const root = await rootOf(folder)
  const walk: Walk = { files: [], skipped: [] }
  const visited = new Set<string>([root])
  const waiting: Folder[] = [{ path: folder, real: root }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const entries = await entriesOf(next.path, folder, walk)
    const folders: Folder[] = []
    for (const entry of entries) await visit(next, entry, { root, walk, visited, folders })
    // Pushed in reverse, so that the stack gives them back by name.
    waiting.push(...folders.reverse())
    if (walk.files.length > maxFiles)
      throw unreadable(
        `The folder ${folder} holds more than ${maxFiles.toLocaleString('en')} files: name a smaller one.`,
      )
  }
  return walk
}

async function rootOf(folder: string): Promise<string> {
  try {
    if (!(await stat(folder)).isDirectory()) throw unreadable(`${folder} is a file, not a folder of documents.`)
    return await realpath(folder)
  } catch (error) {
    if (error instanceof TroupeError) throw error
    const missing = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
    throw unreadable(
      missing ? `The folder ${folder} does not exist.` : `The folder ${folder} cannot be read: ${reasonOf(error)}.`,
      error,
    )
  }
}

async function entriesOf(path: string, folder: string, walk: Walk): Promise<Dirent[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if (path === folder) throw unreadable(`The folder ${folder} cannot be read: ${reasonOf(error)}.`, error)
    walk.skipped.push({ file: path, reason: reasonOf(error) })
    return []
  }
}

interface Folder {
  readonly path: string
  readonly real: string
}

interface Visit {
  readonly root: string
  readonly walk: Walk
  readonly visited: Set<string>
  readonly folders: Folder[]
}

async function visit(parent: Folder, entry: Dirent, { root, walk, visited, folders }: Visit): Promise<void> {
  const path = join(parent.path, entry.name)
  const skip = (reason: string) => void walk.skipped.push({ file: path, reason })
  if (entry.name.startsWith('.')) return skip('hidden')
  if (entry.name === 'node_modules') return skip('installed packages are not walked')
  try {
    const real = entry.isSymbolicLink() ? await realpath(path) : join(parent.real, entry.name)
    if (entry.isSymbolicLink() && real !== root && !real.startsWith(root + sep))
      return skip('a link that leads out of the folder')
    const found = await stat(path)
    if (found.isDirectory()) {
      if (visited.has(real)) return skip('a link to a folder that is read already')
      visited.add(real)
      folders.push({ path, real })
    } else if (!found.isFile()) skip('not a regular file')
    else if (found.size > maxFileBytes) skip(tooLarge(found.size))
    else walk.files.push({ file: path, real, version: versionIn(found) })
  } catch (error) {
    skip(reasonOf(error))
  }
}

/** @param problem the problem of the given path */
export const unreadable = (problem: string, cause?: unknown): TroupeError =>
  failure('documents.unreadable', { problem }, cause === undefined ? {} : { cause })

const versionIn = ({ size, mtimeMs, ctimeMs }: Stats): FileVersion => [size, mtimeMs, ctimeMs]

/** Returns the version of a file; undefined if the file has no readable status. */
export async function fileVersion(file: string): Promise<FileVersion | undefined> {
  try {
    return versionIn(await stat(file))
  } catch {
    return undefined
  }
}
