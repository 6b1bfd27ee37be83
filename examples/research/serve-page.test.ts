/** The page of the run, as somebody at a terminal has it: a pseudo-terminal of `script` (util-linux). */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createTroupe } from 'troupe'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Folder, makeFolder, question } from './fixtures/make-folder.ts'
import { mainFile } from './fixtures/start-main.ts'
import { servePage } from './serve-page.ts'

const hasTerminals = /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '')
if (!hasTerminals) process.stderr.write('skipped: there is no script of util-linux to make a terminal with\n')

describe.skipIf(!hasTerminals)('npm start at a terminal', () => {
  let folder: Folder
  const started: ChildProcessWithoutNullStreams[] = []
  beforeAll(() => {
    folder = makeFolder()
  })
  afterAll(() => {
    for (const child of started) child.kill('SIGKILL')
    folder[Symbol.dispose]()
  })

  const start = (args: readonly string[], more: Readonly<Record<string, string>> = {}) => {
    const { CI: _, NODE_OPTIONS: __, ...env } = process.env
    const words = [process.execPath, mainFile, question, '--docs', 'docs', ...args]
    const line = `stty cols 200 rows 50; exec ${words.map((word) => `'${word}'`).join(' ')}`
    const child = spawn('script', ['-qefc', line, '/dev/null'], { cwd: folder.root, env: { ...env, ...more } })
    started.push(child)
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more
    })
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    return { child, ended, output: () => text }
  }

  it('The command `npm start` at a terminal prints the address of the run, serves it after its report, and ends at Ctrl-C.', async () => {
    const { child, ended, output } = start(['--data', 'paged'])
    await expect.poll(output).toMatch(/until Ctrl-C\./)
    const [, url = '', link = '', run = ''] =
      /(http:\/\/127\.0\.0\.1:\d+)(\/open\?link=[\w-]+)#\/runs\/(\w+)/.exec(output()) ?? []
    const [report = ''] = /reports[/\\]\S+\.md/.exec(output()) ?? []
    expect([existsSync(join(folder.root, report)), output().includes(`Serving ${url} until`)]).toEqual([true, true])
    const opened = await fetch(url + link, { redirect: 'manual' })
    const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? ''
    expect([opened.status, (await fetch(url + link)).status]).toEqual([303, 401])
    expect((await fetch(`${url}/v1/runs/${run}`)).status).toBe(401)
    const shown = await fetch(`${url}/v1/runs/${run}`, { headers: { cookie } })
    expect(await shown.json()).toMatchObject({ run, status: 'completed' })
    expect(await (await fetch(url)).text()).toContain('<div id="root">')
    // Behind the report stands a fresh link, and Enter prints another.
    const links = () => [...output().matchAll(/open\?link=([\w-]+)/g)].map(([, found]) => found)
    expect(new Set(links()).size).toBe(2)
    child.stdin.write('\n')
    await expect.poll(() => new Set(links()).size).toBe(3)
    expect((await fetch(`${url}/open?link=${links().at(-1)}`, { redirect: 'manual' })).status).toBe(303)
    child.stdin.write('\x03')
    expect(await ended).toBe(0)
    await expect(fetch(url)).rejects.toThrow()
  })

  it.each([
    ['with --once', ['--once'], {}],
    ['in CI', [], { CI: '1' }],
  ])(
    'The command `npm start` ends with the report %s, and opens nothing.',
    async (_, args, env) => {
      const { ended, output } = start([...args, '--data', `once-${args.length}`], env)
      expect(await ended).toBe(0)
      expect(output()).toMatch(/reports[/\\]\S+\.md/)
      expect(output()).not.toContain('http://')
    },
    120_000,
  )
})

it('servePage uses another port if the usual one is in use.', async () => {
  const blocker = createServer().listen(8_000, '127.0.0.1')
  // Where it is taken already, that will do as well.
  await Promise.race([once(blocker, 'listening'), once(blocker, 'error')]).catch(() => {})
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  await using page = await servePage(troupe)
  expect(page.url).not.toMatch(/:8000$/)
  expect((await fetch(`${page.url}/ready`)).status).toBe(200)
  blocker.close()
})
