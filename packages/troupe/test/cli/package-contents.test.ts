/** What is published. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')

it('the package holds what a stranger needs, and none of its tests', () => {
  const printed = execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: root, encoding: 'utf8', stdio: 'pipe' })
  const found: unknown = JSON.parse(printed)
  // npm 12 tells them by name, older ones as a list.
  const [packed] = Object.values(found as object) as { readonly files: readonly { readonly path: string }[] }[]
  const paths = packed?.files.map(({ path }) => path) ?? []
  const needed = [
    'LICENSE',
    'README.md',
    'dist/cli/index.js',
    'dist/index.d.ts',
    'studio/index.html',
    'team.schema.json',
  ]
  expect(needed.filter((path) => !paths.includes(path))).toEqual([])
  expect(paths.filter((path) => /\.test\./.test(path) || path.startsWith('test/'))).toEqual([])
  expect(readFileSync(join(root, 'LICENSE'), 'utf8')).toBe(readFileSync(join(root, '../../LICENSE'), 'utf8'))
}, 60_000)
