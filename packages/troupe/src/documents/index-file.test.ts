import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { DocumentIndex } from './document-index.ts'

let root: string
let store: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stored-'))
  store = join(root, 'data/documents.index')
  write('tea.md', '# Tea\n\nGreen tea steeps for three minutes.\n')
  write('coffee.md', '# Coffee\n\nCoffee is ground before it is brewed.\n')
  write('picture.bin', '\0\0\0')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const write = (path: string, text: string) => {
  mkdirSync(join(root, 'docs'), { recursive: true })
  writeFileSync(join(root, 'docs', path), text)
}
const open = (base = root) => DocumentIndex.open({ folders: [join(root, 'docs')] }, { base, store })
/** Files that were written within the last second are always read once more. */
const afterOneSecond = () => new Promise((resolve) => setTimeout(resolve, 1_100))
const answer = async (index: DocumentIndex, question = 'How long does green tea steep?') =>
  (await index.answer(question)).citations.map(({ file, line, quote }) => `${file}:${line} ${quote}`)

it('A stored index opens without reading an unchanged folder, and gives the same answers.', async () => {
  await afterOneSecond()
  const first = await open()
  const second = await open()
  expect([first.filesRead, second.filesRead]).toEqual([3, 0])
  expect(second.skipped).toEqual(first.skipped)
  expect(second.documents).toEqual(first.documents)
  expect(await answer(second)).toEqual(await answer(first))
  expect(await second.search('brewed')).toEqual(await first.search('brewed'))
})

it('A stored index notices documents that were added, changed and removed, and reads no others.', async () => {
  await afterOneSecond()
  await open()
  write('cocoa.md', '# Cocoa\n\nCocoa is stirred with hot milk.\n')
  rmSync(join(root, 'docs/coffee.md'))
  const before = statSync(join(root, 'docs/tea.md'))
  write('tea.md', '# Tea\n\nGreen tea steeps for seven minute.\n')
  utimesSync(join(root, 'docs/tea.md'), before.atime, before.mtime)
  const index = await open()
  expect(index.filesRead).toBe(2)
  expect(await answer(index)).toContain('docs/tea.md:3 Green tea steeps for seven minute.')
  expect((await index.search('milk')).map(({ document }) => document)).toEqual(['docs/cocoa.md'])
  expect(await index.search('coffee')).toEqual([])
  expect(await (await open()).search('milk')).toEqual(await index.search('milk'))
})

it('A file that was written within the last second is read once more.', async () => {
  await open()
  write('tea.md', '# Tea\n\nGreen tea steeps for eight minutes.\n')
  expect((await open()).filesRead).toBe(3)
  await afterOneSecond()
  expect((await open()).filesRead).toBe(3)
  expect((await open()).filesRead).toBe(0)
})

it('A stored index that is damaged, cut or of another version is built anew.', async () => {
  await afterOneSecond()
  await open()
  const complete = readFileSync(store)
  const damaged = Buffer.from(complete)
  damaged[complete.length - 3] = (damaged[complete.length - 3] ?? 0) ^ 1
  for (const bytes of [damaged, complete.subarray(0, complete.length / 2), Buffer.alloc(0), Buffer.from('{}')]) {
    writeFileSync(store, bytes)
    const index = await open()
    expect(index.filesRead).toBe(3)
    expect(await answer(index)).toContain('docs/tea.md:3 Green tea steeps for three minutes.')
    expect(readFileSync(store)).toEqual(complete)
  }
})

it('A stored index is not used for citations relative to another folder.', async () => {
  await afterOneSecond()
  await open()
  const index = await open(join(root, 'docs'))
  expect(index.filesRead).toBe(3)
  expect(index.documents.map(({ path }) => path)).toEqual(['coffee.md', 'tea.md'])
})

it('Processes that store one index at the same time leave a complete one.', async () => {
  await afterOneSecond()
  const script = `import { DocumentIndex } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))}
    for (let i = 0; i < 10; i++) {
      await DocumentIndex.open({ folders: [${JSON.stringify(join(root, 'docs'))}] }, { base: String(i), store: ${JSON.stringify(store)} })
    }`
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  await Promise.all([run(), run(), run()])
  await open()
  expect((await open()).filesRead).toBe(0)
  expect(readdirSync(join(root, 'data'))).toEqual(['documents.index'])
})

it('An index that cannot be stored says where and why.', async () => {
  writeFileSync(join(root, 'data'), 'a file where the folder should be')
  await expect(open()).rejects.toMatchObject({ code: 'documents.unstorable', message: expect.stringContaining(store) })
})

it.runIf(process.platform === 'linux')('An index is not stored below /proc, and says so.', async () => {
  const opened = DocumentIndex.open(
    { folders: [join(root, 'docs')] },
    { base: root, store: '/proc/x/y/documents.index' },
  )
  await expect(opened).rejects.toMatchObject({ code: 'documents.unstorable' })
})
