/** The program in an empty folder: what it makes there, and what it says of itself. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Folder } from './program.ts'

const packageFolder = join(import.meta.dirname, '../..')

describe('the program in a new project', () => {
  const folder = new Folder()
  afterAll(() => folder[Symbol.dispose]())

  it('makes one that runs as it is, and writes over nothing', async () => {
    writeFileSync(join(folder.path, '.gitignore'), 'mine\n')
    const { written, kept } = await folder.json<{ written: string[]; kept: string[] }>(['init'])
    expect([written, kept]).toEqual([['notes/launch.md', 'package.json', 'troupe.config.ts'], ['.gitignore']])
    expect(readFileSync(join(folder.path, '.gitignore'), 'utf8')).toBe('mine\n')
    const { code, out } = await folder.run(['run', 'notes', 'What did we decide about the press?'])
    expect({ code, out }).toMatchObject({
      code: 0,
      out: expect.stringMatching(/invite the press only after the trial/),
    })
    expect(out).not.toContain('\u001b')
    expect((await folder.json<{ items: unknown[] }[]>(['check']))[0]).toMatchObject({ team: 'notes', findings: [] })
    expect((await folder.json<unknown[]>(['runs', 'list']))[0]).toMatchObject({ status: 'completed' })
  }, 120_000)

  it('makes it from a package in a folder of any name', async () => {
    const other = join(folder.path, 'my projéct')
    const copy = join(other, 'troupe')
    for (const part of ['package.json', 'dist', 'templates'])
      cpSync(join(packageFolder, part), join(copy, part), { recursive: true })
    symlinkSync(join(packageFolder, '../../node_modules'), join(other, 'node_modules'))
    const args = [join(copy, 'dist/cli/index.js'), 'init', 'made', '--json']
    const { written } = JSON.parse(execFileSync(process.execPath, args, { cwd: other, encoding: 'utf8' }))
    expect(written).toEqual(['.gitignore', 'notes/launch.md', 'package.json', 'troupe.config.ts'])
  }, 120_000)

  it('says what a package.json that was there lacks', async () => {
    const text = JSON.stringify({ name: 'mine', dependencies: { zod: '4' } })
    mkdirSync(join(folder.path, 'old'))
    writeFileSync(join(folder.path, 'old/package.json'), text)
    const { out } = await folder.run(['init', 'old', '--template', 'worker'])
    expect(out).toContain('kept   package.json')
    expect(out).toContain('  npm pkg set type=module\n  npm install troupe\n')
    expect(readFileSync(join(folder.path, 'old/package.json'), 'utf8')).toBe(text)
  }, 120_000)

  it('says what it is: its release, its settings, its tables', async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
    expect(await folder.run(['--version'])).toMatchObject({ code: 0, out: `${version}\n` })
    expect(await folder.json(['info'])).toMatchObject({ troupe: version, teams: 'notes', problems: 0 })
    expect(await folder.json(['migrate'])).toEqual({ migrated: 'sqlite:./data/troupe.db' })
    const secret = { TROUPE_SERVER_KEY: 'k'.repeat(40) }
    const { settings } = await folder.json<{ settings: { path: string; value: string }[] }>(['config'], { env: secret })
    const shown = (wanted: string) => settings.find(({ path }) => path === wanted)?.value
    expect([shown('agents'), shown('topologies')]).toEqual(['["Reader","Writer"]', '["notes"]'])
    expect(JSON.stringify(settings)).not.toContain('kkkk')
  }, 120_000)

  it('runs the file of a team, and refuses a wrong one before anything is done', async () => {
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
  }, 120_000)
})
