import { describe, expect, it } from 'vitest'
import { createTroupe, defineAgent, LlmAgent, type StepContext } from '../index.ts'
import { eventsOf, pipe, solo, troupesOfTests } from '../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../testing/index.ts'
import { sandboxTools, workspaceTools } from '../tools.ts'
import { processSandbox, type SandboxEngine } from './index.ts'

const { ada, opened } = troupesOfTests()
const agent = (name: string, run: (ctx: StepContext, input: string) => Promise<unknown>) =>
  defineAgent<string>({ name, run: (input, ctx) => run(ctx, input) as never })

/** An engine that counts its runs and writes what its code says: `path=text`. */
const counting = (runs: string[]): SandboxEngine => ({
  name: 'counting',
  languages: ['count'],
  effect: 'read',
  run: async ({ code, files }) => {
    runs.push(code)
    const [path = '', text = ''] = code.split('=')
    return { exitCode: 0, stdout: [...files.keys()].join(','), stderr: '', changes: [[path, text]] }
  },
})

describe('The sandbox', () => {
  it('The sandbox executes code over the files of a run, which its agents share.', async () => {
    const writer = agent('Writer', async ({ sandbox }) => {
      await sandbox.files.write('numbers.json', '[1, 2, 3]')
      const code = `import numbers from './numbers.json'
        const total: number = numbers.reduce((sum, each) => sum + each, 0)
        files.write('out/total.txt', String(total)); console.log('total', total)`
      const { exitCode, stdout, stderr, files } = await sandbox.run({ language: 'typescript', code })
      return [exitCode, stdout, stderr, files]
    })
    const reader = agent('Reader', async ({ sandbox }, input) => [input, await sandbox.files.read('out/total.txt')])
    const { orchestra } = await ada()
    const run = await orchestra.start({ task: 't', topology: pipe(writer, reader) })
    expect((await run.result()).response).toEqual([
      [0, 'total 6\n', '', [{ path: 'out/total.txt', change: 'written' }]],
      '6',
    ])
    expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
  })

  it('The sandbox rolls back what a failed step wrote, and separates users and runs.', async () => {
    let attempts = 0
    const failing = agent('Failing', async ({ sandbox }) => {
      if (attempts++ === 0) {
        await sandbox.files.write('a.txt', 'lost')
        throw new Error('no luck')
      }
      return sandbox.files.list()
    })
    const troupe = await opened()
    const start = async (user: string, one = failing) => {
      const run = await troupe.user(user).orchestra.start({ task: 't', topology: solo(one) })
      return (await run.result()).response
    }
    expect(await start('ada')).toBe(undefined)
    expect(await start('ada')).toEqual([])
    const writing = agent('Writing', async ({ sandbox }) => {
      await sandbox.files.write('a.txt', 'x')
      return sandbox.files.list()
    })
    expect(await start('ada', writing)).toEqual([{ path: 'a.txt', version: 1, bytes: 1 }])
    expect(await start('eve')).toEqual([])
  })

  it('The sandbox gives a fork the files as they were where the fork begins.', async () => {
    const write = (name: string) =>
      agent(name, async ({ sandbox }) => {
        await sandbox.files.write(
          'log.txt',
          `${(await sandbox.files.list()).length === 0 ? '' : await sandbox.files.read('log.txt')}${name};`,
        )
        return sandbox.files.read('log.txt')
      })
    const { orchestra } = await ada()
    const run = await orchestra.start({ task: 't', topology: pipe(write('A'), write('B'), write('C')) })
    expect((await run.result()).response).toBe('A;B;C;')
    const events = await eventsOf(run)
    const at =
      events.find((event) => event.type === 'step.completed' && 'agent' in event && event.agent === 'A')?.seq ?? 0
    const fork = await orchestra.fork(run.id, { at })
    expect((await fork.result()).response).toBe('A;B;C;')
  })

  it('The sandbox gives a fork the files of the turns that a waiting step had committed.', async () => {
    const asking = agent('Asking', async ({ sandbox, ask }) => {
      await sandbox.files.write('a.txt', 'before')
      const answer = await ask({ text: 'Well?' })
      await sandbox.files.write('a.txt', `${await sandbox.files.read('a.txt')} ${answer}`)
      return sandbox.files.read('a.txt')
    })
    const { orchestra } = await ada()
    const topology = solo(asking, 'Asking -> User', 'User -> Asking')
    const run = await orchestra.start({ task: 't', topology })
    const { questions } = await run.result()
    const at = (await eventsOf(run, 'question.asked')).at(-1)?.seq ?? 0
    await run.answer(questions[0]?.id ?? '', 'source')
    expect((await run.result()).response).toBe('before source')
    const fork = await orchestra.fork(run.id, { at })
    const waiting = await fork.result()
    await fork.answer(waiting.questions[0]?.id ?? '', 'fork')
    expect((await fork.result()).response).toBe('before fork')
  })

  it('The sandbox takes snapshots, shows differences, and restores.', async () => {
    const one = agent('One', async ({ sandbox }) => {
      const { files } = sandbox
      await files.write('a.txt', 'one\ntwo\n')
      await files.write('b.bin', new Uint8Array([0, 255]))
      const before = await sandbox.snapshot()
      await files.write('a.txt', 'one\n2\n')
      await files.write('c.txt', 'new')
      const removed = await files.remove('b.bin')
      const changes = await files.diff({ from: before })
      await sandbox.restore(before)
      const [listed, bytes] = [await files.list(), [...(await files.readBytes('b.bin'))]]
      return { removed, changes, listed, bytes, text: await files.read('a.txt') }
    })
    const { orchestra } = await ada()
    const run = await orchestra.start({ task: 't', topology: solo(one) })
    const { response } = await run.result()
    expect(response).toMatchObject({
      removed: true,
      changes: [
        { path: 'a.txt', change: 'changed', diff: expect.stringContaining('-two\n+2') },
        { path: 'b.bin', change: 'removed', diff: '' },
        { path: 'c.txt', change: 'added' },
      ],
      listed: [
        { path: 'a.txt', version: 3 },
        { path: 'b.bin', version: 3 },
      ],
      bytes: [0, 255],
      text: 'one\ntwo\n',
    })
  })

  it('The sandbox executes code once, however often the step is executed.', async () => {
    const runs: string[] = []
    const one = agent('One', async ({ sandbox, ask }) => {
      const first = await sandbox.run({ language: 'count', code: 'a=1' })
      await ask({ text: 'Well?' })
      const second = await sandbox.run({ language: 'count', code: 'b=2' })
      return [first.stdout, second.stdout, await sandbox.files.read('a'), await sandbox.files.read('b')]
    })
    const { orchestra } = await ada({ sandbox: { engines: [counting(runs)] } })
    const run = await orchestra.start({ task: 't', topology: solo(one, 'One -> User', 'User -> One') })
    const { questions } = await run.result()
    await run.answer(questions[0]?.id ?? '', 'go')
    expect((await run.result()).response).toEqual(['', 'a', '1', '2'])
    expect(runs).toEqual(['a=1', 'b=2'])
  })

  it('The sandbox gives a model tools that execute code and work on files.', async () => {
    const calls = [
      { name: 'write_file', args: { path: 'sum.js', text: 'export const sum = (a, b) => a - b\n' } },
      { name: 'edit_file', args: { path: 'sum.js', old: 'a - b', new: 'a + b' } },
      { name: 'run_code', args: { code: "import { sum } from './sum.js'\nconsole.log(sum(2, 3))" } },
      { name: 'search_files', args: { text: 'SUM' } },
      { name: 'read_file', args: { path: 'sum.js' } },
      { name: 'diff_files', args: {} },
      { name: 'remove_file', args: { path: 'sum.js' } },
      { name: 'list_files', args: {} },
      { name: 'read_file', args: { path: '../etc/passwd' } },
    ]
    const responses = [...calls.map((call) => ({ toolCalls: [call] })), 'done']
    const tools = [...sandboxTools(), ...workspaceTools()]
    const coder = new LlmAgent({ name: 'Coder', model: new MockModel({ responses }), tools })
    const troupe = await opened()
    const session = troupe.user('ada').session(coder, { threadId: 't' })
    const { text, toolCalls } = await session.generate('go')
    expect(text).toBe('done')
    expect(toolCalls.map(({ name, result }) => [name, result])).toMatchObject([
      ['write_file', { version: 1 }],
      ['edit_file', { version: 2, replaced: 1 }],
      ['run_code', { exit_code: 0, stdout: '5\n' }],
      ['search_files', { matches: [{ path: 'sum.js', line: 1 }] }],
      ['read_file', { text: '1\texport const sum = (a, b) => a + b\n2\t' }],
      ['diff_files', { changes: [{ path: 'sum.js', change: 'added' }] }],
      ['remove_file', { removed: true }],
      ['list_files', { files: [] }],
      ['read_file', { error: expect.stringContaining('..') }],
    ])
  })

  it('The sandbox removes the files of a session with its thread.', async () => {
    const files = agent('Files', async ({ sandbox }, input) => {
      if (input === 'write') await sandbox.files.write('a.txt', 'x')
      return (await sandbox.files.list()).map(({ path }) => path)
    })
    const user = await ada()
    const session = user.session(files, { threadId: 't' })
    expect((await session.generate('write')).output).toEqual(['a.txt'])
    expect((await session.generate('read')).output).toEqual(['a.txt'])
    await session.forget()
    expect((await session.generate('read')).output).toEqual([])
  })

  it('The sandbox stores no more than the limits of a user allow, and erases all of a user.', async () => {
    const writing = agent('Writing', async ({ sandbox }) => {
      await sandbox.files.write('a.txt', 'x'.repeat(600_000))
      return 'ok'
    })
    const troupe = await opened({ sandbox: { limits: { user: 1_000_000 } } })
    const start = async () =>
      await (await troupe.user('ada').orchestra.start({ task: 't', topology: solo(writing) })).result()
    expect((await start()).status).toBe('completed')
    expect(await start()).toMatchObject({ status: 'failed', error: { code: 'sandbox.quota' } })
    await troupe.forget('ada')
  })

  it('The sandbox stages no file of a run of code if one of them is too large, and rejects another form of output.', async () => {
    const outputs = [
      {
        exitCode: 0,
        stdout: '',
        stderr: '',
        changes: [
          ['a.txt', 'a'],
          ['b.txt', 'b'.repeat(101)],
        ],
      },
      undefined,
      { exitCode: 0, stdout: '', stderr: '', changes: [5] },
      { exitCode: 0, stdout: '', stderr: '', changes: [['a.txt', { base64: null }]] },
    ]
    const remaining = outputs.values()
    const engine = { ...counting([]), run: async () => remaining.next().value as never }
    const one = agent('One', async ({ sandbox }) => {
      const codes: unknown[] = []
      for (const code of outputs.keys())
        await sandbox.run({ language: 'count', code: `${code}` }).catch((error) => codes.push(error.code))
      return [codes, await sandbox.files.list()]
    })
    const troupe = await opened({ sandbox: { engines: [engine], limits: { file: 100 } } })
    const run = await troupe.user('ada').orchestra.start({ task: 't', topology: solo(one) })
    const codes = ['sandbox.quota', 'sandbox.failed', 'sandbox.failed', 'sandbox.failed']
    expect(await run.result()).toMatchObject({ response: [codes, []] })
  })

  it('The sandbox rejects code that changes very many files, and the step continues.', async () => {
    const writer = agent('Writer', async ({ sandbox }) => {
      const code = "for (let i = 0; i < 12_000; i++) files.write('f' + i, '')"
      const rejected = await sandbox.run({ code }).catch(({ code }: { readonly code: string }) => code)
      return [rejected, await sandbox.files.list()]
    })
    const { orchestra } = await ada()
    const run = await orchestra.start({ task: 't', topology: solo(writer) })
    expect((await run.result()).response).toEqual(['sandbox.quota', []])
  })

  it('The sandbox accepts a timeout that is longer than the timers of Node.', async () => {
    const one = agent('One', ({ sandbox }) => sandbox.run({ code: 'console.log(1)', timeout: '50d' }))
    const troupe = await opened({ sandbox: { timeout: '40d' } })
    const run = await troupe.user('ada').orchestra.start({ task: 't', topology: solo(one) })
    expect(await run.result()).toMatchObject({ response: { exitCode: 0, stdout: '1\n' } })
  })

  it('The sandbox rejects wrong options and languages that no engine knows.', async () => {
    for (const sandbox of [
      { engine: [] },
      { engines: [] },
      { limits: { memory: 0 } },
      { limits: { file: 1e9 } },
      { timeout: 5 },
    ])
      await expect(createTroupe({ storage: 'memory:', sandbox: sandbox as never })).rejects.toThrow()
    const one = agent('One', ({ sandbox }) => sandbox.run({ language: 'cobol', code: '' }))
    const { orchestra } = await ada()
    const run = await orchestra.start({ task: 't', topology: solo(one) })
    expect(await run.result()).toMatchObject({ error: { code: 'sandbox.language' } })
  })
})

describe('The process engine', () => {
  it('The process engine executes Node in a folder of its own, without files of the host and child processes.', async () => {
    const code = `import { readFileSync, writeFileSync, symlinkSync } from 'node:fs'
      import { execSync } from 'node:child_process'
      const tried = (work) => { try { work(); return 'done' } catch (error) { return error.code } }
      console.log(readFileSync('in/a.txt', 'utf8'), tried(() => readFileSync('/etc/passwd')), tried(() => execSync('id')),
        tried(() => writeFileSync('/tmp/out', '')), tried(() => symlinkSync('/etc/passwd', 'link')), Object.keys(process.env).length)
      writeFileSync('out.txt', 'out')`
    const one = agent('One', async ({ sandbox }) => {
      await sandbox.files.write('in/a.txt', 'hello')
      return sandbox.run({ language: 'node', code })
    })
    const slow = agent('Slow', ({ sandbox }) => sandbox.run({ language: 'node', code: 'for(;;);', timeout: '500ms' }))
    const { orchestra } = await ada({ sandbox: { engines: [processSandbox()] } })
    const run = await orchestra.start({ task: 't', topology: solo(one) })
    expect((await run.result()).response).toEqual({
      exitCode: 0,
      stdout: 'hello ERR_ACCESS_DENIED ERR_ACCESS_DENIED ERR_ACCESS_DENIED ERR_ACCESS_DENIED 0\n',
      stderr: '',
      files: [{ path: 'out.txt', change: 'written' }],
    })
    const late = await orchestra.start({ task: 't', topology: solo(slow) })
    expect((await late.result()).response).toMatchObject({ exitCode: 124, files: [] })
  })
  it('The process engine lets code signal no process, open no database of the host, and raise no limit.', async () => {
    const code = `import os from 'node:os'
      import v8 from 'node:v8'
      const load = (name) => import(name).then(() => 'loaded', ({ code }) => code)
      console.log(typeof process.kill, typeof process._kill, typeof process._debugProcess, typeof os.setPriority,
        typeof v8.setFlagsFromString, await load('node:sqlite'))`
    const one = agent('One', ({ sandbox }) => sandbox.run({ language: 'node', code }))
    const { orchestra } = await ada({ sandbox: { engines: [processSandbox()] } })
    const run = await orchestra.start({ task: 't', topology: solo(one) })
    expect((await run.result()).response).toMatchObject({
      stdout: `${'undefined '.repeat(5)}ERR_UNKNOWN_BUILTIN_MODULE\n`,
    })
  })
})
