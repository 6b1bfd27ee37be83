/** A copy of the built library, with a defect or without. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Edit } from './bugs.ts'

export const built = process.env.TROUPE_UNDER_TEST ?? join(import.meta.dirname, '../../dist')
const modules = join(import.meta.dirname, '../../../../node_modules')
const ownModules = join(import.meta.dirname, '../../node_modules')

/** @returns why the edits can't be made: their text is not there, or more than once */
export function misfit(edits: readonly Edit[]): string | undefined {
  for (const { file, search, all } of edits) {
    const times = readFileSync(join(built, file), 'utf8').split(search).length - 1
    if (times === 0 || (times > 1 && !all)) return `${file} holds ${times} times: ${search}`
  }
  return undefined
}

export interface Planted {
  readonly folder: string
  remove(): void
}

/** @throws Error when an edit does not fit */
export function plant(edits: readonly Edit[]): Planted {
  const problem = misfit(edits)
  if (problem !== undefined) throw new Error(problem)
  const root = mkdtempSync(join(tmpdir(), 'troupe-planted-'))
  const folder = join(root, 'package', 'dist')
  mkdirSync(join(root, 'package'))
  cpSync(built, folder, { recursive: true, filter: (path) => !path.endsWith('.d.ts') })
  writeFileSync(join(root, 'package', 'package.json'), '{"name":"troupe","type":"module"}')
  symlinkSync(modules, join(root, 'node_modules'))
  // What could not be shared with other packages stands beside the library.
  if (existsSync(ownModules)) symlinkSync(ownModules, join(root, 'package', 'node_modules'))
  for (const { file, search, replace } of edits) {
    const path = join(folder, file)
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replaceAll(search, () => replace),
    )
  }
  // The trial with power cuts asks for sources.
  for (const moduleName of ['core', 'storage'])
    writeFileSync(join(folder, moduleName, 'index.ts'), "export * from './index.js'\n")
  return { folder, remove: () => rmSync(root, { recursive: true, force: true }) }
}
