import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findingsWith, library, withTree } from './planted-tree.ts'

test('A file may have 400 lines and not 401.', () => {
  const lines = (count: number) => `/** Long. */\n${'export {}\n'.repeat(count - 1)}`
  expect(findingsWith({ [`${library}/core/long.ts`]: lines(400) })).toEqual([])
  expect(findingsWith({ [`${library}/core/long.ts`]: lines(401) })).toEqual([`${library}/core/long.ts size`])
})

test('A folder of the library may have 15 sources and not 16, without its tests.', () => {
  const sources = (count: number) =>
    Object.fromEntries(
      ['a.test.ts', ...Array.from({ length: count }, (_, n) => `source-${n}.ts`)].map((name) => [
        `${library}/core/wide/${name}`,
        '/** One of them. */\nexport {}\n',
      ]),
    )
  expect(findingsWith(sources(15))).toEqual([])
  expect(findingsWith(sources(16))).toEqual([`${library}/core/wide folder`])
})

test.each(['types', 'utils', 'util', 'helpers', 'interfaces'])('A file must not be named %s.ts.', (name) => {
  const path = `${library}/core/${name}.ts`
  expect(findingsWith({ [path]: '/** Anything. */\nexport {}\n' })).toEqual([`${path} name`])
})

test.each(['home/ada', 'root', 'Users/ada', 'work'])('A path of one machine is a finding: /%s/.', (folder) => {
  expect(findingsWith({ 'docs/guide.md': `Look into /${folder}/notes for more.\n` })).toEqual([
    'docs/guide.md machine-path',
  ])
})

test('A folder with the name of a home inside a relative path or a URL is allowed.', () => {
  expect(findingsWith({ 'docs/guide.md': 'See src/work/notes and https://example.com/home/ada/notes.\n' })).toEqual([])
})

test('A source of the library must start with a comment.', () => {
  expect(findingsWith({ [`${library}/core/a.ts`]: 'export const a = 1\n' })).toEqual([`${library}/core/a.ts header`])
})

test('A folder of the library that is not in the list of modules is a finding.', () => {
  const path = `${library}/misc/index.ts`
  expect(findingsWith({ [path]: '/** Misc. */\nexport const a = 1\n' })).toEqual([`${path} module`])
})

test('A module without an index.ts is a finding.', () => {
  const found = findingsWith({
    [`${library}/cli/index.ts`]: undefined,
    [`${library}/cli/run.ts`]: '/** Run. */\nexport const run = 1\n',
  })
  expect(found).toEqual([`${library}/cli/index.ts index`])
})

test('The command prints each finding with its location and exits with 1.', () => {
  const command = (root: string) =>
    spawnSync(process.execPath, [join(import.meta.dirname, 'tidy.ts'), root], { encoding: 'utf8' })
  expect(withTree({}, command)).toMatchObject({ status: 0, stdout: 'tidy: clean\n' })
  const path = `${library}/context/a.ts`
  const planted = withTree({ [path]: '/** A. */\nexport const a = Date.now()\n' }, command)
  expect(planted).toMatchObject({ status: 1, stdout: 'tidy: 1 found\n' })
  expect(planted.stderr).toContain(`${path}:2 banned: Date.now`)
})
