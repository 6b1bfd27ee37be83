/** The engine for containers, on hosts where Podman or Docker can start one; its image is made from programs of the host. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { containerSandbox } from './container-sandbox.ts'
import { executeCode } from './execute-code.test.fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-container-'))
const image = 'troupe-sandbox-test:1'
const podman = {
  command: 'podman',
  arguments: [
    ...['--root', join(folder, 'storage'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'],
    ...(process.getuid?.() === 0 ? ['--runtime', 'runc', '--cgroup-manager', 'cgroupfs'] : []),
  ],
  runArguments: ['--ulimit', 'nproc=500:500'],
}
const docker = { command: 'docker', arguments: [], runArguments: [] }

const call = ({ command, arguments: before }: typeof podman, ...args: string[]) =>
  spawnSync(command, [...before, ...args], { encoding: 'utf8', timeout: 60_000 })

/** Makes an image of Node, a shell and a few programs with their libraries. */
function makeImage(program: typeof podman): string | undefined {
  const root = join(folder, 'image')
  const paths = [
    '/bin/sh',
    '/bin/cat',
    '/bin/sleep',
    '/usr/bin/head',
    '/usr/bin/wc',
    '/usr/bin/tr',
    '/usr/bin/yes',
    '/bin/ln',
  ]
  const linked = spawnSync('ldd', [...paths, process.execPath], { encoding: 'utf8' }).stdout ?? ''
  const libraries = [...linked.matchAll(/\/\S+\.so\S*/g)].map(([path]) => path)
  for (const path of new Set([...paths, ...libraries])) {
    mkdirSync(join(root, dirname(path)), { recursive: true })
    copyFileSync(path, join(root, path))
  }
  copyFileSync(process.execPath, join(root, 'usr/bin/node'))
  for (const empty of ['tmp', 'proc', 'sys', 'dev', 'etc']) mkdirSync(join(root, empty), { recursive: true })
  const archive = join(folder, 'image.tar')
  spawnSync('tar', ['-C', root, '-cf', archive, '.'])
  const { error, status, stderr } = call(program, 'import', archive, image)
  if (error || status !== 0) return error?.message ?? stderr.trim()
  // A host may be unable to isolate or to limit a container.
  const limits = ['--network', 'none', '--memory', '64m', '--pids-limit', '50', '--ulimit', 'nofile=1024:1024']
  const first = call(program, 'run', '--rm', ...limits, ...program.runArguments, image, '/bin/sh', '-c', 'exit 0')
  return first.status === 0 ? undefined : first.stderr.trim()
}

const problems: string[] = []
const found = [podman, docker].find((program) => {
  const { error, status, stderr } = call(program, 'info')
  const problem = error?.message ?? (status === 0 ? makeImage(program) : stderr.trim())
  if (problem !== undefined) problems.push(`${program.command}: ${problem.split('\n').at(-1)}`)
  return problem === undefined
})
if (!found) process.stderr.write(`skipped: no containers here: ${problems.join('; ')}\n`)
afterAll(() => {
  if (found) call(found, 'rmi', '--force', image)
  rmSync(folder, { recursive: true, force: true })
})

const engine = containerSandbox({ ...(found ?? docker), image })
const run = executeCode(engine)

describe.skipIf(!found)('the engine container', () => {
  it('The engine container executes TypeScript over the files of the request, and returns what changed.', async () => {
    expect(await engine.obstacle?.()).toBe(undefined)
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
    expect(await run('shell', 'echo one | tr a-z A-Z > out.txt; exit 3')).toMatchObject({
      exitCode: 3,
      changes: [['out.txt', 'ONE\n']],
    })
  })

  it('The engine container has no network, no files, processes or variables of the host, and no rights.', async () => {
    const server = createServer((_, response) => response.end('reached'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const code = `import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
      const tried = async (run) => { try { return await run() } catch (error) { return error.cause?.code ?? error.code } }
      const status = readFileSync('/proc/self/status', 'utf8')
      console.log(JSON.stringify([
        await tried(async () => (await fetch('http://127.0.0.1:${port}')).status),
        await tried(() => readFileSync('${import.meta.filename}', 'utf8')),
        await tried(() => writeFileSync('/usr/x', '')),
        await tried(() => writeFileSync('/code/main.mjs', '')),
        await tried(() => process.kill(${process.pid}, 0)),
        readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).length < 5,
        process.env.PATH !== undefined && process.env.${'TROUPE_SECRET'} === undefined,
        status.match(/CapEff:\\s*(\\S+)/)[1],
        status.match(/NoNewPrivs:\\s*(\\S+)/)[1],
      ]))`
    process.env.TROUPE_SECRET = 'hidden'
    const { stdout, stderr } = await run('node', code)
    delete process.env.TROUPE_SECRET
    server.close()
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual([
      ...['ECONNREFUSED', 'ENOENT', 'EROFS', 'EROFS', 'ESRCH'],
      ...[true, true, '0000000000000000', '1'],
    ])
  })

  it('The engine container removes the container at the timeout and at a cancellation.', async () => {
    const late = await run('shell', 'sleep 1000 & sleep 1000', { timeoutMs: 1_500 })
    expect(late).toMatchObject({ exitCode: 124 })
    expect(late.stderr).toContain('The code took longer than 1500 ms.\n')
    const controller = new AbortController()
    const running = run('shell', 'sleep 1000', { signal: controller.signal })
    setTimeout(() => controller.abort(new Error('cancelled')), 1_000)
    await expect(running).rejects.toThrow('cancelled')
    const list = () => call(found as typeof podman, 'ps', '--all', '--quiet', '--filter', 'label=troupe.sandbox').stdout
    await expect.poll(list).toBe('')
  })

  it('The engine container bounds memory, output and the size of files.', async () => {
    const memory = await run('node', 'const all = []; for (;;) all.push(new Array(1e6).fill(1))', { memoryMb: 32 })
    expect(memory.exitCode).toBe(137)
    expect((await run('shell', 'yes | head -c 5000', { outputBytes: 100 })).stdout).toHaveLength(100)
    const file = await run('shell', 'head -c 5000000 /dev/zero > big; wc -c < big', { changedBytes: 1_024_000 })
    expect(file.stdout.trim()).toBe('1024000')
  })
})

it('The engine container says why it cannot execute code, and then executes none.', async () => {
  const absent = containerSandbox({ image: 'none', command: '/nowhere/docker' })
  expect(await absent.obstacle?.()).toContain('ENOENT')
  const limits = { timeoutMs: 1_000, memoryMb: 8, outputBytes: 100, changedBytes: 100 }
  const request = { language: 'shell', code: '', files: new Map(), ...limits, signal: new AbortController().signal }
  await expect(absent.run(request)).rejects.toMatchObject({ code: 'sandbox.failed' })
  for (const options of [{ image: '--privileged' }, { image: 'a', runArguments: 'x' }, { image: 'a', other: 1 }])
    expect(() => containerSandbox(options as never)).toThrow(expect.objectContaining({ status: 400 }))
})
