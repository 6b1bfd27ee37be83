import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, expect, it } from 'vitest'
import { writeNewFile } from './write-new-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-new-file-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const path = join(folder, 'audit.jsonl')

it('A file of a command has its name only when it is complete.', async () => {
  const during: string[][] = []
  const pieces = async function* () {
    yield 'one\n'
    during.push(readdirSync(folder))
    yield 'two\n'
  }
  await writeNewFile(path, pieces())
  expect(during).toEqual([[expect.stringMatching(/^audit\.jsonl\.partial-/)]])
  expect(readdirSync(folder)).toEqual(['audit.jsonl'])
  expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n')
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

it('A file of a command leaves nothing after Ctrl-C, which is no error of the disk.', async () => {
  const pieces = async function* () {
    yield 'one\n'
    AbortSignal.abort().throwIfAborted()
  }
  const other = join(folder, 'other.jsonl')
  await expect(writeNewFile(other, pieces())).rejects.toMatchObject({ name: 'AbortError' })
  expect(readdirSync(folder).filter((name) => name.startsWith('other'))).toEqual([])
})

it('A file of a command replaces the incomplete one of a process that was killed.', async () => {
  const third = join(folder, 'third.jsonl')
  const script = `import { writeNewFile } from ${JSON.stringify(join(import.meta.dirname, 'write-new-file.ts'))}
    await writeNewFile(${JSON.stringify(third)}, (async function* () {
      yield 'one'
      process.kill(process.pid, 'SIGKILL')
    })())`
  spawnSync(process.execPath, ['--input-type=module', '-e', script])
  const left = () => readdirSync(folder).filter((name) => name.startsWith('third'))
  expect(left()).toEqual([expect.stringMatching(/^third\.jsonl\.partial-/)])
  await writeNewFile(third, Readable.from(['two\n']))
  expect(left()).toEqual(['third.jsonl'])
})
