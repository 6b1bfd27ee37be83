/**
 * What the example reads when no folder is named: the documentation that the installed packages ship, real text that
 * nobody wrote for this example, and a question that it can answer.
 */
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Documents } from 'troupe/documents'
import { InputError } from './input-error.ts'

export const defaultQuestion =
  'How do I handle errors and retries, set timeouts, stop a running generation, ' +
  'limit concurrency, cache responses, and test an application without calling a real language model?'

/** Folders of prose and single pages, as the packages lay them out. One that is not installed is left out. */
const folders = ['ai/docs', 'pino/docs']
const pages = [
  'cockatiel/readme.md',
  'commander/Readme.md',
  'expect-type/README.md',
  'fast-check/README.md',
  'kysely/README.md',
  'lru-cache/README.md',
  'minisearch/README.md',
  'p-queue/readme.md',
  'smol-toml/README.md',
  'zod/README.md',
]

/**
 * Finds the documentation in the `node_modules` folders above a place, the nearest first.
 * @param from folder to start at: this file's own by default
 * @throws InputError where none of the packages is installed
 * @example
 * const index = await SearchIndex.open(defaultCorpus())
 */
export function defaultCorpus(from: string = import.meta.dirname): Required<Documents.DocumentSources> {
  const found = {
    folders: folders.flatMap((path) => locate(path, from, (file) => statSync(file).isDirectory())),
    files: pages.flatMap((path) => locate(path, from, (file) => statSync(file).isFile())),
  }
  if (found.folders.length === 0 && found.files.length === 0)
    throw new InputError(
      'The packages whose documentation is read by default are not installed: name a folder with --docs.',
    )
  return found
}

function locate(path: string, from: string, fits: (file: string) => boolean): string[] {
  for (let folder = from; ; folder = dirname(folder)) {
    const file = join(folder, 'node_modules', path)
    if (existsSync(file) && fits(file)) return [file]
    if (dirname(folder) === folder) return []
  }
}
