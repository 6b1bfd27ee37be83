/** The commands of the README's "Serve it", typed one after the other at a terminal, as printed, in a folder like a clone. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../../../..')
const hasTerminals = /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '')
if (!hasTerminals) process.stderr.write('skipped: there is no script of util-linux to make a terminal with\n')

const [, block = ''] =
  /## Serve it\n[\s\S]*?```sh\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
const commands = block
  .trimEnd()
  .split('\n')
  .map((line) => line.replace(/\s+#.*$/, ''))

describe.skipIf(!hasTerminals)('the commands of the README', () => {
  const clone = mkdtempSync(join(tmpdir(), 'troupe-clone-'))
  const project = join(clone, 'my-team')
  let shell: ChildProcessWithoutNullStreams
  let shown = ''
  const type = (keys: string) => shell.stdin.write(keys)
  const shows = async (what: RegExp, from: number, timeout = 300_000) => {
    await expect.poll(() => shown.slice(from), { timeout, interval: 100 }).toMatch(what)
    return what.exec(shown.slice(from)) as RegExpExecArray
  }
  /** @returns what it printed, and its exit code */
  const run = async (line: string) => {
    const from = shown.length
    type(`${line}; echo "[ended $?]"\n`)
    const [, code] = await shows(/\[ended (\d+)\]/, from)
    return { code: Number(code), printed: shown.slice(from) }
  }

  /** @returns whether the shell reads again; keys that come before it does are lost */
  const isBack = async () => {
    const from = shown.length
    type('echo "[re""ady]"\n')
    await sleep(1_000)
    return shown.slice(from).includes('[ready]')
  }

  beforeAll(() => {
    // As `npm ci` links it, before anything is built.
    mkdirSync(join(clone, 'node_modules/.bin'), { recursive: true })
    symlinkSync(join(root, 'packages/troupe/bin/troupe.js'), join(clone, 'node_modules/.bin/troupe'))
    // A run of npm tells the programs that it starts about itself.
    const own = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS|VITEST|CI$)/i.test(name))
    const env = {
      ...Object.fromEntries(own),
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      NO_COLOR: '1',
      PS1: '$ ',
      TROUPE_SERVER_PORT: '0',
      npm_config_prefer_offline: 'true',
      npm_config_audit: 'false',
    }
    shell = spawn('script', ['-qefc', 'stty cols 200; exec bash --norc --noprofile', '/dev/null'], { cwd: clone, env })
    shell.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text
    })
  })
  afterAll(async () => {
    type('\x03\nexit\n')
    await new Promise((resolve) => shell.once('close', resolve))
    rmSync(clone, { recursive: true, force: true, maxRetries: 5 })
  })

  it('The command `init` of the README makes a project with the name of its folder, and npm installs it from the packed file.', async () => {
    expect(commands[0]).toMatch(/^npx troupe init/)
    expect(await run(commands[0] as string)).toMatchObject({ code: 0 })
    expect(JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))).toMatchObject({
      name: 'my-team',
      dependencies: { troupe: expect.stringMatching(/^file:vendor\//) },
    })
    for (const file of ['bin/troupe.js', 'studio/index.html', 'dist/index.d.ts'])
      expect(existsSync(join(project, 'node_modules/troupe', file)), file).toBe(true)
  }, 600_000)

  it('The commands of the README test the project, run its team and check it.', async () => {
    const lines = commands.slice(1, -1)
    expect(lines.length).toBeGreaterThan(2)
    const printed = new Map<string, string>()
    for (const line of lines) {
      const ended = await run(line)
      // A doctor that finds something says so with its exit code.
      expect(ended.code, `${line}\n${ended.printed}`).toBeLessThanOrEqual(line.includes('doctor') ? 1 : 0)
      printed.set(line, ended.printed)
    }
    expect(printed.get('npm test')).toMatch(/pass 1/)
    expect([...printed.values()].join('\n')).toContain('invite the press only after the trial')
    for (const more of ['npm run types', 'npx troupe check', 'npx troupe runs list'])
      expect(await run(more), more).toMatchObject({ code: 0 })
    expect((await run('npx troupe runs list')).printed).toMatch(/TASK[\s\S]*What did we decide about the press\?/)
  }, 600_000)

  it.each([commands.at(-1) ?? '', 'npx troupe dev'])(
    'The command %s serves the studio until Ctrl-C, with a new link at Enter.',
    async (line) => {
      const from = shown.length
      type(`${line}\n`)
      const [, url = ''] = await shows(/Serving sqlite:\S+ at (http:\/\/127\.0\.0\.1:\d+)/, from)
      const [, first = ''] = await shows(/Open \S+\?link=(\S+)/, from)
      const before = shown.length
      type('\n')
      const [, second = ''] = await shows(/Open \S+\?link=(\S+)/, before)
      expect(second).not.toBe(first)
      for (const link of [first, second])
        expect((await fetch(`${url}/open?link=${link}`, { redirect: 'manual' })).status).toBe(303)
      type('\x03')
      await shows(/Stopping: work in progress/, before)
      await expect
        .poll(
          () =>
            fetch(url).then(
              () => 'serves',
              () => 'ended',
            ),
          { timeout: 30_000 },
        )
        .toBe('ended')
      await expect.poll(isBack).toBe(true)
    },
    180_000,
  )
})
