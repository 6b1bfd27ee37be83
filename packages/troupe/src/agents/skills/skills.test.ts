import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { LlmAgent } from '../../index.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../testing/index.ts'
import { loadSkills, sandboxTools } from '../../tools.ts'

const { opened } = troupesOfTests()
const folder = mkdtempSync(join(tmpdir(), 'troupe-skills-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function put(path: string, text: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  writeFileSync(join(folder, path), text)
}

describe('Skills', () => {
  it('Skills are read from folders, shown by name and description, read on demand, and their scripts execute in the sandbox.', async () => {
    put(
      'skills/adding/SKILL.md',
      '---\nname: adding\ndescription: How numbers\n  are added.\n---\nUse scripts/add.js.\n',
    )
    put('skills/adding/scripts/add.js', 'export const add = (a, b) => a + b\n')
    put('skills/adding/.hidden', 'x')
    put('skills/none/README.md', 'no skill')
    symlinkSync('/etc/hostname', join(folder, 'skills/adding/link.txt'))
    const skills = await loadSkills(join(folder, 'skills'))
    expect(skills).toEqual([
      {
        name: 'adding',
        description: 'How numbers are added.',
        instructions: 'Use scripts/add.js.',
        files: { 'scripts/add.js': 'export const add = (a, b) => a + b\n' },
      },
    ])
    expect(await loadSkills(join(folder, 'skills/adding'))).toEqual(skills)
    const byPath = new LlmAgent({
      name: 'A',
      model: new MockModel({ responses: [] }),
      skills: [join(folder, 'skills')],
    })
    const byValue = new LlmAgent({ name: 'A', model: new MockModel({ responses: [] }), skills })
    expect(byPath.fingerprint).toBe(byValue.fingerprint)
    expect(() => new LlmAgent({ name: 'A', model: 'offline/extractive', skills: [join(folder, 'gone')] })).toThrow(
      /gone/,
    )
    const code = "import { add } from './skills/adding/scripts/add.js'\nconsole.log(add(2, 3))"
    const calls = [
      { name: 'read_skill', args: { name: 'adding' } },
      { name: 'read_skill', args: { name: 'adding', file: 'scripts/add.js' } },
      { name: 'read_skill', args: { name: 'adding', file: '../SKILL.md' } },
      { name: 'run_code', args: { code } },
    ]
    const model = new MockModel({ responses: [...calls.map((call) => ({ toolCalls: [call] })), 'five'] })
    const adder = new LlmAgent({ name: 'Adder', model, skills, tools: [...sandboxTools()] })
    const troupe = await opened()
    const { toolCalls, text } = await troupe.user('ada').session(adder, { threadId: 't' }).generate('2 + 3')
    expect(text).toBe('five')
    expect(toolCalls.map(({ result }) => result)).toMatchObject([
      { instructions: 'Use scripts/add.js.', files: ['skills/adding/scripts/add.js'] },
      { text: expect.stringContaining('a + b') },
      { error: expect.stringContaining('no file ../SKILL.md') },
      { stdout: '5\n' },
    ])
    const prompt = JSON.stringify(model.calls[0])
    expect(prompt).toContain('- adding: How numbers are added.')
    expect(prompt).not.toContain('Use scripts')
  })

  it('Skills are rejected if they are invalid or unreadable.', async () => {
    const skill = { name: 'a', description: 'b', instructions: 'c' }
    for (const wrong of [
      [{ ...skill, name: 'A b' }],
      [skill, skill],
      [{ ...skill, description: '' }],
      [{ ...skill, more: 1 }],
      {},
    ])
      expect(() => new LlmAgent({ name: 'A', skills: wrong as never })).toThrow()
    expect(new LlmAgent({ name: 'A', skills: [skill] }).fingerprint).not.toBe(new LlmAgent({ name: 'A' }).fingerprint)
    put('bad/SKILL.md', 'no head')
    await expect(loadSkills(join(folder, 'bad'))).rejects.toMatchObject({ code: 'skill.unreadable' })
    await expect(loadSkills(join(folder, 'missing'))).rejects.toMatchObject({ code: 'skill.unreadable' })
  })
})
