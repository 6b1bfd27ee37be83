/** The engine bubblewrap, on hosts that have it. */
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { bubblewrapSandbox } from './bubblewrap-sandbox.ts'
import { executeCode } from './execute-code.test.fixture.ts'

const engine = bubblewrapSandbox()
const missing = await engine.obstacle?.()
if (missing !== undefined) process.stderr.write(`skipped: no bubblewrap here: ${missing}\n`)

const run = executeCode(engine)

describe.skipIf(missing !== undefined)('the engine bubblewrap', () => {
  it('The engine bubblewrap executes TypeScript over the files of the request, and returns what changed.', async () => {
    const code = `import { readFileSync, writeFileSync, rmSync } from 'node:fs'
      const text: string = readFileSync('in/a.txt', 'utf8')
      writeFileSync('out.txt', text.toUpperCase()); rmSync('in/b.txt'); console.log(process.cwd())`
    const files = new Map([
      ['in/a.txt', 'hello'],
      ['in/b.txt', 'old'],
    ])
    expect(await run('node-typescript', code, { files })).toEqual({
      exitCode: 0,
      stdout: '/work\n',
      stderr: '',
      changes: [
        ['out.txt', 'HELLO'],
        ['in/b.txt', null],
      ],
    })
  })

  it('The engine bubblewrap executes shell and Python.', async () => {
    expect(await run('shell', 'echo one | tr a-z A-Z > out.txt; exit 3')).toMatchObject({
      exitCode: 3,
      changes: [['out.txt', 'ONE\n']],
    })
    expect(await run('python', 'print(sum([1, 2, 3]))')).toMatchObject({ exitCode: 0, stdout: '6\n' })
  })

  it('The engine bubblewrap has no network, no processes, files or variables of the host, and no rights.', async () => {
    const server = createServer((_, response) => response.end('reached'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const code = `import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
      import { spawnSync } from 'node:child_process'
      const tried = async (run) => { try { return await run() } catch (error) { return error.cause?.code ?? error.code } }
      console.log(JSON.stringify([
        await tried(async () => (await fetch('http://127.0.0.1:${port}')).status),
        await tried(() => readFileSync('/etc/passwd', 'utf8')),
        await tried(() => readFileSync('${import.meta.filename}', 'utf8')),
        await tried(() => writeFileSync('/usr/x', '')),
        await tried(() => writeFileSync('/x', '')),
        await tried(() => process.kill(${process.pid}, 0)),
        readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).length < 5,
        Object.keys(process.env).sort().join(),
        process.getuid(),
        spawnSync('/usr/bin/unshare', ['--user', 'true']).status !== 0,
      ]))`
    const { stdout, stderr } = await run('node', code)
    server.close()
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual([
      ...['ECONNREFUSED', 'ENOENT', 'ENOENT', 'EROFS', 'EROFS', 'ESRCH'],
      ...[true, 'HOME,LANG,PATH,PWD', 65_534, true],
    ])
  })

  it('The engine bubblewrap ends all processes of the code at the timeout and at a cancellation.', async () => {
    const late = await run('shell', 'sleep 1000 & sleep 1000', { timeoutMs: 300 })
    expect(late).toMatchObject({ exitCode: 124, stderr: 'The code took longer than 300 ms.\n' })
    const controller = new AbortController()
    const running = run('shell', 'sleep 1000', { signal: controller.signal })
    setTimeout(() => controller.abort(new Error('cancelled')), 200)
    await expect(running).rejects.toThrow('cancelled')
  })

  it('The engine bubblewrap ends code whose time is over while bubblewrap starts it.', async () => {
    const seconds = `9${process.pid}`
    for (let timeoutMs = 1; timeoutMs < 30; timeoutMs += 2)
      expect(await run('shell', `sleep ${seconds} & sleep ${seconds}`, { timeoutMs })).toMatchObject({ exitCode: 124 })
    const commands = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((id) => {
        try {
          return readFileSync(`/proc/${id}/cmdline`, 'utf8')
        } catch {
          return ''
        }
      })
    expect(commands.filter((command) => command.includes(`sleep\0${seconds}`))).toEqual([])
  })

  it('The engine bubblewrap bounds memory, output and the size of files.', async () => {
    const memory = await run('node', 'const all = []; for (;;) all.push(new Array(1e6).fill(1))', { memoryMb: 32 })
    expect(memory.exitCode).toBe(137)
    expect(await run('python', 'x = bytearray(10**9)')).toMatchObject({ exitCode: 1 })
    expect((await run('shell', 'yes | head -c 5000000', { outputBytes: 100 })).stdout).toHaveLength(100)
    const file = await run('shell', 'head -c 5000000 /dev/zero > big; wc -c < big; rm big', { changedBytes: 1_024_000 })
    expect(file.stdout).toBe('1024000\n')
  })

  it('The engine bubblewrap reads back no links.', async () => {
    const { changes } = await run('shell', 'ln -s /etc/passwd link; echo a > a.txt')
    expect(changes).toEqual([['a.txt', 'a\n']])
  })
})

it('The engine bubblewrap says why it cannot execute code, and then executes none.', async () => {
  const absent = bubblewrapSandbox({ path: '/nowhere/bwrap' })
  expect(await absent.obstacle?.()).toContain('ENOENT')
  const request = { language: 'shell', code: '', files: new Map(), timeoutMs: 1_000, memoryMb: 8 }
  const limits = { outputBytes: 100, changedBytes: 100, signal: new AbortController().signal }
  await expect(absent.run({ ...request, ...limits })).rejects.toMatchObject({ code: 'sandbox.failed' })
  expect(await bubblewrapSandbox({ path: '/bin/false' }).obstacle?.()).not.toBe(undefined)
  await expect(bubblewrapSandbox({ path: '/bin/false' }).run({ ...request, ...limits })).rejects.toMatchObject({
    code: 'sandbox.failed',
  })
  expect(() => bubblewrapSandbox({ path: '' })).toThrow(expect.objectContaining({ code: 'validation.failed' }))
})
