import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { build } from './build.ts'

let root = ''
let output = ''
const report = (text: string) => {
  output += text
}
const at = (path: string) => join(root, 'packages/sample', path)
const write = (path: string, text: string) => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
const builtAt = () => statSync(at('dist/.digest')).mtimeMs

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'build-'))
  write(
    join(root, 'tsconfig.base.json'),
    '{ "compilerOptions": { "module": "nodenext", "target": "es2024", "types": [] } }',
  )
  write(at('package.json'), '{ "type": "module" }')
  const settings = {
    extends: '../../tsconfig.base.json',
    compilerOptions: { rootDir: 'src', outDir: 'dist' },
    include: ['src'],
  }
  write(at('tsconfig.build.json'), JSON.stringify(settings))
  write(at('src/one.ts'), 'export const one: number = 1\n')
  write(at('src/two.ts'), 'export const two: number = 2\n')
  expect(build({ root, report })).toBe(true)
})

afterEach(() => rmSync(root, { recursive: true }))

test('The build repeats nothing that is built, unless forced.', () => {
  const first = builtAt()
  expect(build({ root, report })).toBe(true)
  expect(builtAt()).toBe(first)
  expect(build({ root, report, force: true })).toBe(true)
  expect(builtAt()).toBeGreaterThan(first)
})

test('The build compiles a changed source.', () => {
  write(at('src/one.ts'), 'export const one: number = 11\n')
  expect(build({ root, report })).toBe(true)
  expect(readFileSync(at('dist/one.js'), 'utf8')).toContain('11')
})

test('The build repeats after a changed setting.', () => {
  const first = builtAt()
  write(at('package.json'), '{ "type": "module", "name": "sample" }')
  expect(build({ root, report })).toBe(true)
  expect(builtAt()).toBeGreaterThan(first)
})

test('The build removes the output of a removed source.', () => {
  rmSync(at('src/two.ts'))
  expect(build({ root, report })).toBe(true)
  expect([existsSync(at('dist/one.js')), existsSync(at('dist/two.js'))]).toEqual([true, false])
})

test('The build fails for a source that does not compile, and the next build does too.', () => {
  write(at('src/one.ts'), "export const one: number = 'one'\n")
  output = ''
  expect(build({ root, report })).toBe(false)
  expect(output).toContain('src/one.ts(1,14): error TS2322')
  expect(build({ root, report })).toBe(false)
})

test('The build copies the pages of the documentation into the library, and leaves those that are the same.', () => {
  const copied = (page: string) => join(root, 'packages/troupe/docs', page)
  write(join(root, 'packages/troupe/package.json'), '{}')
  write(join(root, 'docs/same.md'), 'same')
  write(join(root, 'docs/changed.md'), 'before')
  write(join(root, 'docs/decisions/why.md'), 'why')
  build({ root, report })
  const first = statSync(copied('same.md')).mtimeMs
  write(join(root, 'docs/changed.md'), 'after')
  write(copied('removed.md'), 'removed')
  build({ root, report })
  expect(statSync(copied('same.md')).mtimeMs).toBe(first)
  expect(readFileSync(copied('changed.md'), 'utf8')).toBe('after')
  expect(['removed.md', 'decisions'].map((page) => existsSync(copied(page)))).toEqual([false, false])
})
