/** The commands of the README's "Run it", typed one after the other at a terminal, as printed, in a folder like a clone. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../../../..')
const hasTerminals = /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '')
if (!hasTerminals) process.stderr.write('skipped: there is no script of util-linux to make a terminal with\n')

const [, runIt = ''] = /## Run it\n([\s\S]*?)\n## /.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
const blocks = [...runIt.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) =>
  block
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, '')),
)
const [[install] = [], commands = []] = blocks
const [, question = ''] = /"([^"]+)"/.exec(commands[0] ?? '') ?? []

describe.skipIf(!hasTerminals)('The commands of the README for a reader of documents', () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-reader-'))
  const clone = join(folder, 'clone')
  let shell: ChildProcessWithoutNullStreams
  let shown = ''
  const shows = async (what: RegExp, from: number) => {
    await expect.poll(() => shown.slice(from), { interval: 100 }).toMatch(what)
    return what.exec(shown.slice(from)) as RegExpExecArray
  }
  /** A question that the README leaves open is the one of its first command. */
  const type = (line: string) => {
    const from = shown.length
    shell.stdin.write(`${line.replace('"…"', `"${question}"`)}; echo "[ended $?]"\n`)
    return from
  }
  const ended = async (from: number) => Number((await shows(/\[ended (\d+)\]/, from))[1])
  /** Types it, waits for the address of the page, ends the page with Ctrl-C. */
  const runUntilReport = async (line: string) => {
    const from = type(line)
    const [report] = await shows(/reports\/[\w-]+\.md/, from)
    await shows(/Serving \S+ until Ctrl-C/, from)
    // A shell drops the rest of the line at Ctrl-C, and prompts again.
    const interrupted = shown.length
    shell.stdin.write('\x03')
    await shows(/[#$] $/, interrupted)
    return { report: readFileSync(join(clone, report), 'utf8'), printed: shown.slice(from) }
  }

  beforeAll(() => {
    mkdirSync(clone)
    // The folder of the reports and of the database is the test's own; all else is that of the tree.
    for (const name of readdirSync(root))
      if (!['.git', 'reports', 'data'].includes(name)) symlinkSync(join(root, name), join(clone, name))
    cpSync(join(root, 'docs/tutorial.md'), join(folder, 'notes/tutorial.md'))
    const own = Object.entries(process.env).filter(
      ([name]) => !/^(npm_|NODE_OPTIONS|VITEST|CI$|\w+_API_KEY$)/i.test(name),
    )
    const env = { ...Object.fromEntries(own), PATH: `${dirname(process.execPath)}:${process.env.PATH}`, PS1: '$ ' }
    shell = spawn('script', ['-qefc', 'stty cols 200; exec bash --norc --noprofile', '/dev/null'], { cwd: clone, env })
    shell.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text
    })
  })
  afterAll(async () => {
    shell.stdin.write('\x03\nexit\n')
    await new Promise((resolve) => shell.once('close', resolve))
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  it('The first command installs and starts; the others ask, crash and resume.', () => {
    expect(install).toBe('npm ci && npm start')
    expect(question).not.toBe('')
    expect(
      commands.map((line) => /--(docs|json|model|crash|resume)\b/.exec(line.replace('--docs ./docs ', ''))?.[1]),
    ).toEqual(['docs', 'json', 'model', 'crash', 'resume'])
  })

  it('A question about two folders is answered by a report, and the page is served until Ctrl-C.', async () => {
    const { report } = await runUntilReport(commands[0] as string)
    expect(report).toMatch(/dead letters/i)
    expect(report).toContain('docs/')
  })

  it('`--json` prints the answers as JSON.', async () => {
    const from = type(commands[1] as string)
    expect(await ended(from)).toBe(0)
    const printed = shown.slice(from)
    expect(printed).toContain('"answers"')
    expect(printed).toContain(`"question": "${question}"`)
  })

  it('A model without its key is rejected with what to set, before a run exists.', async () => {
    const line = (commands[2] as string).replace('MODEL', 'claude-sonnet-4-5')
    const from = type(line)
    expect(await ended(from)).toBe(2)
    expect(shown.slice(from)).toContain('ANTHROPIC_API_KEY')
    expect(shown.slice(from)).not.toMatch(/starting run/i)
  })

  it('`--crash` kills the process in its middle, and `--resume` finishes that run.', async () => {
    const from = type(commands[3] as string)
    expect(await ended(from)).not.toBe(0)
    const printed = shown.slice(from)
    const [, run = ''] = /--resume (\w{26})/.exec(printed) ?? []
    expect(printed).toMatch(/Starting run \w{26}/)
    const resumed = await runUntilReport(commands[4] as string)
    expect(resumed.printed).toMatch(new RegExp(`resuming run ${run}`, 'i'))
    expect(resumed.printed).toMatch(/Not repeated: \d+ finished steps/)
    expect(resumed.report).toMatch(/dead letters/i)
  })
})
