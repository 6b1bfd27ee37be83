/** What is published. */
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
/** Without tests, and without the reader of documents, whose examples name pages of others. */
const sources = (folder: string) =>
  globSync(`${join(root, folder)}/**/*.ts`).filter((path) => !/\.test\.|\/(documents|models\/extractive)\//.test(path))

it('The package contains what its users need, and none of its tests.', () => {
  const printed = execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: root, encoding: 'utf8', stdio: 'pipe' })
  const found: unknown = JSON.parse(printed)
  // npm 12 tells them by name, older ones as a list.
  const [packed] = Object.values(found as object) as { readonly files: readonly { readonly path: string }[] }[]
  const paths = packed?.files.map(({ path }) => path) ?? []
  // Hints, remedies and declarations name pages, and a reader of them has the package alone.
  const named = sources('src').flatMap((path) => readFileSync(path, 'utf8').match(/docs\/[a-z-]+\.md/g) ?? [])
  expect(named.length).toBeGreaterThan(5)
  const unit = readFileSync(join(root, '../../deploy/systemd/troupe.service'), 'utf8')
  const [, started = 'the file that the systemd unit starts'] =
    /^ExecStart=.*node_modules\/troupe\/(\S+)/m.exec(unit) ?? []
  const needed = [
    ...named,
    started,
    'LICENSE',
    'README.md',
    'dist/bundle/cli.js',
    'dist/index.d.ts',
    'studio/index.html',
    'team.schema.json',
  ]
  expect(needed.filter((path) => !paths.includes(path))).toEqual([])
  // The tests of templates are those of the projects that are made of them.
  const own = paths.filter((path) => !path.startsWith('templates/'))
  expect(own.filter((path) => /\.test\./.test(path) || path.startsWith('test/'))).toEqual([])
  expect(readFileSync(join(root, 'LICENSE'), 'utf8')).toBe(readFileSync(join(root, '../../LICENSE'), 'utf8'))
})
