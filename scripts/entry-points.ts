/**
 * Every entry point of the built library as a user sees it who checks declarations of libraries too: what ours name must
 * be installed with us, and be right.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** @returns the project to compile, relative to the root. */
export function writeEntryPoints(root: string): string {
  const folder = 'node_modules/.cache/entry-points'
  mkdirSync(join(root, folder), { recursive: true })
  const { exports } = JSON.parse(readFileSync(join(root, 'packages/troupe/package.json'), 'utf8'))
  const entries = Object.keys(exports).filter((entry) => !entry.endsWith('.json'))
  const imports = entries.map((entry, i) => `export * as entry${i} from 'troupe${entry.slice(1)}'\n`)
  writeFileSync(join(root, folder, 'entry-points.ts'), imports.join(''))
  const settings = {
    extends: '../../../tsconfig.base.json',
    compilerOptions: { noEmit: true, skipLibCheck: false },
    files: ['entry-points.ts'],
  }
  writeFileSync(join(root, folder, 'tsconfig.json'), JSON.stringify(settings))
  return `${folder}/tsconfig.json`
}
