import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { LlmAgent } from '../../index.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../testing/index.ts'
import { loadSkills, sandboxTools } from '../../tools.ts'
import { definitionOf } from '../definitions/base-llm-agent.ts'

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

  it('A thread has the files of a skill as they are when the model reads the skill.', async () => {
    const code = "import { unit } from './skills/units/unit.js'; console.log(unit)"
    const calls = [
      { name: 'read_skill', args: { name: 'units' } },
      { name: 'run_code', args: { code } },
    ]
    const troupe = await opened()
    const unitOf = async (unit: string) => {
      const files = { 'unit.js': `export const unit = '${unit}'` }
      const skills = [{ name: 'units', description: 'Units.', instructions: 'Import it.', files }]
      const model = new MockModel({ responses: [...calls.map((call) => ({ toolCalls: [call] })), 'done'] })
      const agent = new LlmAgent({ name: 'Clerk', model, skills, tools: [...sandboxTools()] })
      const { toolCalls } = await troupe.user('ada').session(agent, { threadId: 't' }).generate('go')
      return toolCalls[1]?.result
    }
    // The length of the file stays, so that its size does not show the change.
    expect([await unitOf('m'), await unitOf('s')]).toMatchObject([{ stdout: 'm\n' }, { stdout: 's\n' }])
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

  it('A skill reads links inside its folder and rejects those that lead outside, also for SKILL.md and linked folders.', async () => {
    const head = '---\nname: a\ndescription: b\n---\nc'
    put('outside.md', head)
    put('linked/one/SKILL.md', head)
    put('linked/one/data.txt', 'x')
    symlinkSync('data.txt', join(folder, 'linked/one/same.txt'))
    const [skill] = await loadSkills(join(folder, 'linked'))
    expect(skill?.files).toEqual({ 'data.txt': 'x', 'same.txt': 'x' })
    const outside = { code: 'skill.outside', hint: expect.stringContaining('symbolic link') }

    symlinkSync('/etc/hostname', join(folder, 'linked/one/host.txt'))
    await expect(loadSkills(join(folder, 'linked'))).rejects.toMatchObject(outside)
    rmSync(join(folder, 'linked/one/host.txt'))
    symlinkSync(join(folder, 'none'), join(folder, 'linked/two'))
    await expect(loadSkills(join(folder, 'linked'))).rejects.toMatchObject({ code: 'skill.unreadable' })
    rmSync(join(folder, 'linked/two'))
    put('other/SKILL.md', head)
    symlinkSync('../other', join(folder, 'linked/two'))
    await expect(loadSkills(join(folder, 'linked'))).rejects.toMatchObject(outside)
    rmSync(join(folder, 'linked/two'))
    rmSync(join(folder, 'linked/one/SKILL.md'))
    symlinkSync('../../outside.md', join(folder, 'linked/one/SKILL.md'))
    await expect(loadSkills(join(folder, 'linked'))).rejects.toMatchObject(outside)
    expect(() => new LlmAgent({ name: 'A', skills: [join(folder, 'linked')] })).toThrow(/leads outside its folder/)
  })

  it('The option skills: true reads the folder .agents/skills of the working directory, which must not be a link to another project.', () => {
    const project = join(folder, 'project')
    put('project/.agents/skills/totals/SKILL.md', '---\nname: totals\ndescription: Adds up.\n---\nAdd.')
    const cwd = vi.spyOn(process, 'cwd').mockReturnValue(project)
    onTestFinished(() => cwd.mockRestore())
    expect(definitionOf(new LlmAgent({ name: 'A', skills: true })).skills).toMatchObject([{ name: 'totals' }])
    expect(definitionOf(new LlmAgent({ name: 'A', skills: true }).with({ description: 'x' })).skills).toHaveLength(1)
    cwd.mockReturnValue(join(folder, 'skills'))
    expect(() => new LlmAgent({ name: 'A', skills: true })).toThrow(/no such file/)
    put('second/README.md', 'x')
    symlinkSync('../project/.agents', join(folder, 'second/.agents'))
    cwd.mockReturnValue(join(folder, 'second'))
    expect(() => new LlmAgent({ name: 'A', skills: true })).toThrow(/leads outside its folder/)
  })
})
