import { describe, expect, it } from 'vitest'
import type { FileContent, SandboxRequest } from '../sandbox-port.ts'
import { quickJsSandbox } from './quickjs-sandbox.ts'

const engine = quickJsSandbox()
const run = (code: string, more: Partial<SandboxRequest> = {}) =>
  engine.run({
    language: 'javascript',
    code,
    files: new Map<string, FileContent>([['a.txt', 'hello']]),
    timeoutMs: 1_000,
    memoryMb: 32,
    outputBytes: 10_000,
    changedBytes: 100_000,
    signal: new AbortController().signal,
    ...more,
  })

describe('The QuickJS engine', () => {
  it('The QuickJS engine gives code no objects of the host.', async () => {
    const { stdout, exitCode } = await run(`
      const names = ['process', 'require', 'module', 'global', 'Buffer', 'fetch', 'WebSocket', 'XMLHttpRequest', 'Worker',
        'WebAssembly', 'Deno', 'Bun', 'navigator', 'setTimeout', 'queueMicrotask', 'importScripts']
      const reached = globalThis.constructor.constructor('return this')()
      const viaFunction = files.read.constructor('return typeof process + typeof require')()
      let viaError = ''
      try { files.read('none') } catch (error) { viaError = error.constructor.constructor('return typeof process')() }
      console.log(names.filter((name) => name in globalThis), reached === globalThis, viaFunction, viaError)`)
    expect([exitCode, stdout]).toEqual([0, '[] true undefinedundefined undefined\n'])
  })

  it('The QuickJS engine imports nothing but files of the workspace.', async () => {
    const names = [
      'node:fs',
      'fs',
      'os',
      'std',
      'https://example.com/x.js',
      '../../../../etc/passwd',
      '/proc/self/environ',
      'data:text/javascript,1',
    ]
    const { stdout } = await run(`
      const found = []
      for (const name of ${JSON.stringify(names)}) await import(name).then(() => found.push(name), () => {})
      console.log(found)`)
    expect(stdout).toBe('[]\n')
  })

  it('The QuickJS engine reads and writes no path outside the workspace.', async () => {
    const paths = ['../a.txt', '/etc/passwd', 'a/../../b', '..', '/proc/self/mem']
    const { stdout } = await run(`
      const read = ${JSON.stringify(paths)}.filter((path) => { try { files.read(path); return true } catch { return false } })
      console.log(read)`)
    expect(stdout).toBe('[]\n')
    const written = await run(`
      for (const path of ${JSON.stringify(paths)})
        try { files.write(path, 'x'); console.log(path) } catch (error) { console.log(error instanceof Error) }
      try { files.write('../x', 'x') } catch (error) { console.log(error.message) }
      files.write('./b.txt', 'x')`)
    expect(written).toMatchObject({ exitCode: 0, changes: [['b.txt', 'x']] })
    expect(written.stdout).toBe(
      `${'true\n'.repeat(5)}The path ../x cannot name a file of the sandbox: it has an empty segment, . or ...\n`,
    )
  })

  it('The QuickJS engine limits its output in bytes.', async () => {
    expect(await run(`console.log('€'.repeat(10)); console.error('é'.repeat(10))`, { outputBytes: 9 })).toMatchObject({
      stdout: '€€€',
      stderr: expect.stringMatching(/^é{4}.$/u),
    })
  })

  it('The QuickJS engine rejects a request that is aborted while others are executed, without a wait for them.', async () => {
    const one = quickJsSandbox({ concurrency: 1 })
    const request = { language: 'javascript', files: new Map(), memoryMb: 32, outputBytes: 100, changedBytes: 100 }
    const order: string[] = []
    const { signal } = new AbortController()
    const first = one
      .run({ ...request, code: 'while (true) {}', timeoutMs: 2_000, signal })
      .then(() => order.push('first'))
    const controller = new AbortController()
    const second = one.run({ ...request, code: '', timeoutMs: 100, signal: controller.signal })
    second.catch(() => order.push('second'))
    setTimeout(() => controller.abort(), 300)
    await Promise.allSettled([first, second])
    expect(order).toEqual(['second', 'first'])
  })

  it('The QuickJS engine ends loops, regular expressions and recursion.', async () => {
    const [loop, expression, promises, recursion] = await Promise.all([
      run('while (true) {}'),
      run("/(a+)+$/.test('a'.repeat(60) + '!')"),
      run('const again = () => Promise.resolve().then(again); again(); await new Promise(() => {})'),
      run('const f = () => f() + 1; f()'),
    ])
    expect([loop, expression].map(({ exitCode }) => exitCode)).toEqual([124, 124])
    // A machine that is fast enough uses all memory for promises first.
    expect([124, 137]).toContain(promises.exitCode)
    expect(recursion).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('stack overflow') })
  })

  it('The QuickJS engine ends code that takes too much memory, and the process does not grow by it.', async () => {
    // On a busy machine the memory is full after seconds.
    const longer = { timeoutMs: 30_000 }
    const before = process.memoryUsage().rss
    const ended = await Promise.all([
      run('new ArrayBuffer(1e9)', longer),
      run("const all = []; while (true) all.push('x'.repeat(1e6) + all.length)", longer),
      run('const all = []; while (true) all.push(new Array(1e6).fill(all))', longer),
    ])
    expect(ended.map(({ exitCode }) => exitCode)).toEqual([137, 137, 137])
    for (const { stderr } of ended) expect(stderr).toContain('out of memory')
    // What the threads had is given back a moment after they ended.
    await expect.poll(() => (process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(128)
  })

  it('The QuickJS engine leaves the event loop free while code does not end.', async () => {
    let turns = 0
    let isOver = false
    const running = run('while (true) {}').finally(() => {
      isOver = true
    })
    for (; !isOver; turns++) await new Promise((resolve) => setTimeout(resolve, 5))
    await running
    expect(turns).toBeGreaterThan(20)
  })

  it('The QuickJS engine bounds what code prints and writes.', async () => {
    const printed = await run("for (let i = 0; i < 1000; i++) console.log('x'.repeat(1000))")
    expect(printed.stdout.length).toBe(10_000)
    const written = await run("for (;;) files.write('a', 'x'.repeat(10000))")
    expect(written).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('100000 bytes') })
  })

  it('The QuickJS engine pollutes no prototype of the host.', async () => {
    const { changes } = await run(`
      Object.prototype.polluted = 'yes'; Array.prototype.toJSON = () => 'evil'; String.prototype.split = () => 'evil'
      files.write('__proto__', 'p'); files.write('constructor', '{"__proto__": {"polluted": true}}')
      try { globalThis.files = null } catch {}
      try { files.read = () => 'evil' } catch {}`)
    expect(({} as { polluted?: unknown }).polluted).toBe(undefined)
    expect(changes.map(([path]) => path)).toEqual(['__proto__', 'constructor'])
  })

  it('The QuickJS engine carries nothing from one run to the next, and ends with its signal.', async () => {
    await run('globalThis.leaked = 1')
    expect((await run('console.log(typeof leaked)')).stdout).toBe('undefined\n')
    const signal = AbortSignal.timeout(300)
    await expect(run('while (true) {}', { signal, timeoutMs: 60_000 })).rejects.toThrow()
  })
})
