import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const page = read('docs/reliability.md')
const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> }
const isTrial = (name: string) => name.startsWith('reliability:') || name === 'deploy:image'

it('The page docs/reliability.md has a row for every trial, and names only existing scripts.', () => {
  const rows = [...page.matchAll(/^\| `npm run ([\w:-]+)` \|/gm)].map(([, name]) => name as string)
  expect(rows.toSorted()).toEqual(Object.keys(scripts).filter(isTrial).toSorted())
  const named = [...page.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name as string)
  expect(named.filter((name) => !(name in scripts))).toEqual([])
})

it('The file that a trial runs exists.', () => {
  for (const [name, command] of Object.entries(scripts).filter(([each]) => isTrial(each))) {
    const file = command.split(' ').findLast((word) => word.endsWith('.ts')) as string
    expect(globSync(file, { cwd: root }), name).toEqual([file])
  }
})

it('The page docs/reliability.md has a row for every program of reliability:outside.', () => {
  const programs = globSync('packages/troupe/test/reliability/outside/*.ts', { cwd: root })
    .flatMap((file) => /: Program = \{\n {2}name: '(.+)',/.exec(read(file))?.[1] ?? [])
    .toSorted()
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name as string)
  expect(programs.length).toBeGreaterThan(5)
  expect(rows.toSorted()).toEqual(programs)
})
