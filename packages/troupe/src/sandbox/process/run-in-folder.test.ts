import { spawn } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

it('The process engine removes folders that killed processes left more than a day ago, and no other.', async () => {
  const [left, recent] = [2, 0.5].map((days) => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-sandbox-'))
    mkdirSync(join(folder, 'work'))
    const at = Date.now() / 1_000 - days * 86_400
    utimesSync(folder, at, at)
    return folder
  }) as [string, string]
  try {
    await run('node', '')
    expect([existsSync(left), existsSync(recent)]).toEqual([false, true])
  } finally {
    for (const folder of [left, recent]) rmSync(folder, { recursive: true, force: true })
  }
})

it.each([
  ['waits', 'setInterval(() => {}, 1_000)'],
  ['loops', 'for (;;);'],
])(
  'The process engine leaves no code that %s behind when the process of the troupe is killed.',
  async (_, after) => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-killed-'))
    const code = `import { writeFileSync } from 'node:fs'; writeFileSync('id', String(process.pid)); ${after}`
    const fixture = join(import.meta.dirname, 'execute-code.test.fixture.ts')
    const program = `const { executeCode } = await import(${JSON.stringify(fixture)})
    const { processSandbox } = await import(${JSON.stringify(join(import.meta.dirname, 'process-sandbox.ts'))})
    await executeCode(processSandbox())('node', ${JSON.stringify(code)}, { timeoutMs: 1_000 })`
    const host = spawn(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...process.env, TMPDIR: folder },
      stdio: 'inherit',
    })
    const started = () => globSync(join(folder, '*', 'work', 'id')).map((path) => Number(readFileSync(path, 'utf8')))
    try {
      await expect.poll(started, { timeout: 30_000 }).toEqual([expect.any(Number)])
      host.kill('SIGKILL')
      await expect.poll(() => started().filter(isRunning), { timeout: 60_000 }).toEqual([])
    } finally {
      host.kill('SIGKILL')
      for (const id of started().filter(isRunning)) process.kill(id, 'SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    }
  },
  120_000,
)

function isRunning(id: number): boolean {
  try {
    return process.kill(id, 0)
  } catch {
    return false
  }
}
