/** The files of the workspace as the checks see them: read once, parsed once. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { libraryRoot } from './modules.ts'
import { parseSource, type SourceFile } from './source-file.ts'

export interface Workspace {
  readonly root: string
  /** Every text file's path, relative and sorted. */
  readonly paths: readonly string[]
  readonly text: (path: string) => string
  /** The TypeScript files of packages, examples and bench, by path. */
  readonly sources: ReadonlyMap<string, SourceFile>
  /** The other programs of the repository, by path: scripts, deploy, peers, and JavaScript. */
  readonly programs: ReadonlyMap<string, SourceFile>
}

/** Not in the repository: what is installed, built or written by a run. */
const skippedFolders = new Set(['node_modules', 'dist', '.git', '.acceptance'])
const skippedPaths = new Set(['coverage', 'reports', 'data', 'packages/troupe/studio'])
const textFile = /\.(ts|tsx|mts|mjs|js|css|md|json|yaml|yml|sh|html)$|(^|\/)(run|Dockerfile|\.npmrc|\.gitignore)$/

export function openWorkspace(root: string): Workspace {
  const paths = [...walk(root, '')].sort()
  const text = (path: string) => readFileSync(join(root, path), 'utf8')
  const code = paths.filter((path) => /\.(tsx?|mts|mjs)$/.test(path) && !path.endsWith('.d.ts'))
  const parse = (some: readonly string[]) => new Map(some.map((path) => [path, parseSource(path, text(path))]))
  const isSource = (path: string) => /^(packages|examples|bench)\/.*\.tsx?$/.test(path)
  return {
    root,
    paths,
    text,
    sources: parse(code.filter(isSource)),
    programs: parse(code.filter((path) => !isSource(path))),
  }
}

function* walk(root: string, folder: string): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = posix.join(folder, entry.name)
    if (entry.isDirectory()) {
      if (!skippedFolders.has(entry.name) && !skippedPaths.has(path)) yield* walk(root, path)
    } else if (entry.isFile() && textFile.test(path)) yield path
  }
}

/** The path below the library's source root, or undefined for a file that is not of the library. */
export const inLibrary = (path: string): string | undefined =>
  path.startsWith(`${libraryRoot}/`) ? path.slice(libraryRoot.length + 1) : undefined

export const isTest = (path: string): boolean =>
  /\.test(\.fixture)?\.tsx?$/.test(path) || path.startsWith('packages/troupe/test/')

/** Where a relative import leads, relative to the workspace root. */
export const resolveImport = (from: string, specifier: string): string | undefined =>
  specifier.startsWith('.') ? posix.normalize(posix.join(posix.dirname(from), specifier)) : undefined

export const within = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)
