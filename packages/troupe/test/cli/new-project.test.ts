/** The program in an empty folder: what it makes there, and what it says of itself. */
import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ended, environment, Folder, untilPrinted } from './cli-process.ts'

const packageFolder = join(import.meta.dirname, '../..')
const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'))
const shared = ['.env.example', '.github/workflows/ci.yml', '.gitignore', 'AGENTS.md', 'package.json', 'tsconfig.json']
const own = { team: ['notes.test.ts', 'notes/launch.md', 'troupe.config.ts'] }
const filesOf = (template: keyof typeof own) => [
  `vendor/troupe-${version}.tgz`,
  ...[...shared, ...own[template]].sort(),
]

describe('the program in a new project', () => {
  const folder = new Folder()
  afterAll(() => folder[Symbol.dispose]())

  it('The command line makes a new project that runs as it is, and overwrites nothing.', async () => {
    writeFileSync(join(folder.path, '.gitignore'), 'mine\n')
    const { written, unchanged } = await folder.json<{ written: string[]; unchanged: string[] }>(['init'])
    expect([written, unchanged]).toEqual([filesOf('team').filter((name) => name !== '.gitignore'), ['.gitignore']])
    expect(readFileSync(join(folder.path, '.gitignore'), 'utf8')).toBe('mine\n')
    const { code, out } = await folder.run(['run', 'notes', 'What did we decide about the press?'])
    expect({ code, out }).toMatchObject({
      code: 0,
      out: expect.stringMatching(/invite the press only after the trial/),
    })
    expect(out).not.toContain('\u001b')
    expect((await folder.json<{ items: unknown[] }[]>(['check']))[0]).toMatchObject({ team: 'notes', findings: [] })
    expect((await folder.json<unknown[]>(['runs', 'list']))[0]).toMatchObject({ status: 'completed' })
  })

  it('A new project of every template runs without a key.', async () => {
    await folder.run(['init', 'guide', '--template', 'agent'])
    await folder.run(['init', 'stock', '--template', 'worker'])
    const inside = (name: string) => ({ cwd: join(folder.path, name) })
    const guide = await ended(folder.spawn(['run', 'Guide', 'What is a lane?', '--json'], inside('guide')))
    const result = JSON.parse(guide.out.trimEnd().split('\n').at(-1) ?? '')
    expect(result).toMatchObject({
      status: 'completed',
      response: expect.stringContaining('A lane holds the messages'),
    })
    const stock = spawn(process.execPath, ['worker.ts'], { ...inside('stock'), env: environment() })
    expect(await untilPrinted(stock, /on their way/)).toContain('2 of tea are on their way')
    stock.kill('SIGINT')
    expect((await ended(stock)).code).toBe(0)
    expect((await folder.run(['init', 'my team', '--template', 'worker'])).out).toContain('  cd "my team"\n')
    const none = await folder.run(['init', 'none', '--template', 'swarm'])
    expect(none).toMatchObject({ code: 2, error: expect.stringContaining('agent, team, worker') })
  })

  it('The command line chats with an agent line by line, in a pipe too.', async () => {
    const talk = { input: 'What is a lane?\n\nWhat is a run?\n/exit\nWhat is a step?\n' }
    const config = join(folder.path, 'guide', 'troupe.config.ts')
    const plain = await folder.run(['chat', 'Guide', '--config', config, '--storage', 'memory:'], talk)
    expect(plain).toMatchObject({ code: 0, error: '' })
    expect(plain.out).toMatch(/^“A lane holds .*”\n“A run is .*”\n$/)
    const lines = await folder.run(['chat', 'Guide', '--config', config, '--storage', 'memory:', '--json'], talk)
    const printed = lines.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(printed).toMatchObject([
      { status: 'completed', answer: expect.stringContaining('A lane holds') },
      { status: 'completed', answer: expect.stringContaining('A run is') },
    ])
  })

  it('The command line backs up its database, and restores it elsewhere, where it waits until it is resumed.', async () => {
    const monday = join(folder.path, 'monday')
    const made = await folder.json<{ sha256: string; bytes: number }>(['backup', monday])
    expect(made).toMatchObject({ sha256: expect.stringMatching(/^[0-9a-f]{64}$/), bytes: expect.any(Number) })
    expect(await folder.json(['verify-backup', monday])).toMatchObject({ sha256: made.sha256 })
    const there = ['--storage', `sqlite:${join(folder.path, 'restored.db')}`]
    expect(await folder.json(['restore', monday, ...there])).toMatchObject({ backupAt: expect.any(String) })
    // Never over what is there.
    expect((await folder.run(['restore', monday])).code).not.toBe(0)
    const waits = await folder.run(['health', '--ready', ...there])
    expect(waits).toMatchObject({ code: 1, out: expect.stringContaining('restored.db: not ready') })
    expect(await folder.json(['resume-restored', ...there])).toMatchObject({ restored: expect.any(Object) })
    expect(await folder.json(['health', '--ready', ...there])).toMatchObject({ status: 'ready' })
    const runs = ['runs', 'list', '--all']
    expect(await folder.json([...runs, ...there])).toEqual(await folder.json(runs))
    appendFileSync(join(monday, readdirSync(monday).find((name) => name.endsWith('.db')) ?? ''), 'x')
    expect((await folder.run(['verify-backup', monday])).code).not.toBe(0)
  })

  it('The command line makes a project from a package in a folder of any name.', async () => {
    const other = join(folder.path, 'my projéct')
    const copy = join(other, 'troupe')
    for (const part of ['package.json', 'bin', 'dist', 'templates'])
      cpSync(join(packageFolder, part), join(copy, part), { recursive: true })
    symlinkSync(join(packageFolder, '../../node_modules'), join(other, 'node_modules'))
    const args = [join(copy, 'dist/bundle/cli.js'), 'init', 'made', '--json']
    const { written } = JSON.parse(execFileSync(process.execPath, args, { cwd: other, encoding: 'utf8' }))
    expect(written).toEqual(filesOf('team'))
    const { name, dependencies } = JSON.parse(readFileSync(join(other, 'made/package.json'), 'utf8'))
    expect([name, dependencies.troupe]).toEqual(['made', `file:vendor/troupe-${version}.tgz`])
  })

  it('The command line names a file that it cannot write.', async () => {
    mkdirSync(join(folder.path, 'taken'))
    writeFileSync(join(folder.path, 'taken/notes'), 'a file in place of the folder')
    const { code, error } = await folder.run(['init', 'taken'])
    expect([code, error]).toEqual([2, expect.stringMatching(/launch\.md cannot be written/)])
  })

  it('The command line says what an existing package.json lacks.', async () => {
    const text = JSON.stringify({ name: 'mine', dependencies: { zod: '4' } })
    mkdirSync(join(folder.path, 'old'))
    writeFileSync(join(folder.path, 'old/package.json'), text)
    const { out } = await folder.run(['init', 'old', '--template', 'worker'])
    expect(out).toContain('exists package.json')
    expect(out).toContain(`  npm pkg set type=module\n  npm install ./vendor/troupe-${version}.tgz\n`)
    expect(readFileSync(join(folder.path, 'old/package.json'), 'utf8')).toBe(text)
  })

  it('The command line shows its version, its settings and its tables.', async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
    expect(await folder.run(['--version'])).toMatchObject({ code: 0, out: `${version}\n` })
    expect(await folder.json(['info'])).toMatchObject({ troupe: version, teams: 'notes', problems: 0 })
    expect(await folder.json(['migrate'])).toEqual({ migrated: 'sqlite:./data/troupe.db' })
    const secret = { TROUPE_SERVER_KEY: 'k'.repeat(40) }
    const { settings } = await folder.json<{ settings: { path: string; value: string }[] }>(['config'], { env: secret })
    const shown = (wanted: string) => settings.find(({ path }) => path === wanted)?.value
    expect([shown('agents'), shown('teams')]).toEqual(['["Reader","Writer"]', '["notes"]'])
    expect(JSON.stringify(settings)).not.toContain('kkkk')
  })

  it('The command line runs the file of a team, and rejects a wrong one before anything is done.', async () => {
    const flows = "flows: ['Start -> A', 'A -> End']"
    writeFileSync(join(folder.path, 'solo.yaml'), `agents: { A: { instructions: The sky is green. } }\n${flows}\n`)
    writeFileSync(join(folder.path, 'wrong.yaml'), 'agents: {}\nflow: x\n')
    const [{ findings }] = (await folder.json<[{ findings: unknown[] }]>(['check', 'solo.yaml'])) as [{ findings: [] }]
    expect(findings).toEqual([])
    const lines = (await folder.run(['run', 'solo.yaml', 'What is the sky?', '--storage', 'memory:', '--json'])).out
    const events = lines
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; status?: string })
    expect([events[0]?.type, events.at(-1)?.type, events.at(-1)?.status]).toEqual([
      'run.started',
      'result',
      'completed',
    ])
    const wrong = await folder.run(['run', 'wrong.yaml', 'x', '--json'])
    expect([wrong.code, wrong.out]).toEqual([2, ''])
    expect(JSON.parse(wrong.error).error.message).toMatch(/flow/)
  })

  it('A command carries a run of a team file if it has the file.', async () => {
    const flows = "flows: ['Start -> A', 'A -> End']"
    writeFileSync(join(folder.path, 'alone.yaml'), `agents: { A: { instructions: The sky is green. } }\n${flows}\n`)
    await folder.run(['run', 'alone.yaml', 'What is the sky?', '--id', 'sky'])
    const fork = ['runs', 'fork', 'sky', '--at', '1']
    const unknown = await folder.run(fork)
    expect(unknown).toMatchObject({ code: 1, error: expect.stringContaining('--team-file') })
    const file = ['--team-file', 'alone.yaml']
    expect(await folder.run([...fork, ...file])).toMatchObject({ code: 0, out: expect.stringContaining('A is done') })
    const prompts = await folder.run(['runs', 'prompts', 'sky', '1#1', ...file])
    expect(prompts).toMatchObject({ code: 0, out: expect.stringContaining('The sky is green.') })
    const both = await folder.json<readonly { team: string }[]>(['check', ...file])
    expect(both.map(({ team }) => team).sort()).toEqual(['alone', 'notes'])
    expect(await folder.run([...fork, '--team-file', 'absent.yaml'])).toMatchObject({ code: 2 })
  })
})
