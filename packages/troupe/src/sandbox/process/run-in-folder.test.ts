import { expect, it } from 'vitest'
import type { FileContent } from '../sandbox-port.ts'
import { executeCode } from './execute-code.test.fixture.ts'
import { processSandbox } from './process-sandbox.ts'

const run = executeCode(processSandbox())
const filesOf = (...files: [string, FileContent][]) => new Map(files)

it('The process engine counts the bytes of changed files alone.', async () => {
  const files = filesOf(['a.txt', 'a'.repeat(800)], ['b.bin', { base64: Buffer.from([255, 0]).toString('base64') }])
  const writing = (bytes: number) =>
    `import { writeFileSync } from 'node:fs'; writeFileSync('c.txt', 'c'.repeat(${bytes}))`
  const { changes } = await run('node', writing(900), { files, changedBytes: 1_000 })
  expect(changes).toEqual([['c.txt', 'c'.repeat(900)]])
  const same = `${writing(1)}; writeFileSync('a.txt', 'b'.repeat(800))`
  expect((await run('node', same, { files, changedBytes: 1_000 })).changes).toEqual([
    ['a.txt', 'b'.repeat(800)],
    ['c.txt', 'c'],
  ])
  await expect(run('node', writing(1_001), { files, changedBytes: 1_000 })).rejects.toMatchObject({
    code: 'sandbox.quota',
  })
})

it('The process engine rejects a file whose name is not text, and files that no folder can have together.', async () => {
  const code = `import { writeFileSync } from 'node:fs'; writeFileSync(Buffer.from([0x61, 0xff]), 'x')`
  await expect(run('node', code)).rejects.toMatchObject({ code: 'sandbox.path' })
  const files = filesOf(['a', 'x'], ['a/b', 'y'])
  await expect(run('node', '', { files })).rejects.toMatchObject({
    code: 'sandbox.failed',
    details: { engine: 'process' },
  })
})
