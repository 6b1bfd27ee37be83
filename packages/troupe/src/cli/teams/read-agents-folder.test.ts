import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type BaseLlmAgent, definitionOf } from '../../agents/index.ts'
import { readAgentsFolder } from './read-agents-folder.ts'

const root = mkdtempSync(join(tmpdir(), 'troupe-agents-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const library = new URL('../../index.ts', import.meta.url).href
let made = 0
function project(files: Readonly<Record<string, string>>): string {
  const folder = join(root, String(++made))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, 'agents', path, '..'), { recursive: true })
    writeFileSync(join(folder, 'agents', path), text)
  }
  return folder
}

describe('the folder agents/', () => {
  it('The folder agents/ contains agents as code and as prose, in the order of their names.', async () => {
    const cwd = project({
      'Writer/agent.md': '---\nmodel: offline/extractive\nrole: readonly\n---\nWrites what it is told.\n',
      'Asker/agent.md': 'Asks.\n',
      'Coder/agent.mjs': `import { defineAgent } from '${library}'\nexport default defineAgent({ name: 'Coder', run: () => null })\n`,
      'notes.md': 'no agent',
      'empty/README.md': 'no agent',
    })
    expect((await readAgentsFolder(cwd)).map(({ name }) => name)).toEqual(['Asker', 'Coder', 'Writer'])
    expect(await readAgentsFolder(join(root, 'nothing'))).toEqual([])
  })

  it('The folder agents/ reads a head that ends its file, is empty, or follows a byte order mark.', async () => {
    const cwd = project({
      'A/agent.md': '---\nrole: readonly\ninstructions: { file: ./AGENTS.md }\n---',
      'A/AGENTS.md': 'Asks.',
      'B/agent.md': '\uFEFF---\r\nrole: readonly\r\n---\r\nAsks.',
      'C/agent.md': '---\n---\nAsks.',
    })
    const agents = (await readAgentsFolder(cwd)) as readonly BaseLlmAgent[]
    expect(agents.map(({ access }) => access.role)).toEqual(['readonly', 'readonly', undefined])
    expect(agents.map((agent) => definitionOf(agent).instructions)).toEqual(['Asks.', 'Asks.', 'Asks.'])
  })

  it.each([
    [
      'an unknown word in its head',
      { 'A/agent.md': '---\nmodle: x\n---\nAsks.' },
      /describes no agent: modle is unknown; did you mean model\?/,
    ],
    [
      'a head that is not YAML',
      { 'A/agent.md': '---\nrole: readonly\nmodel: [a\n---\nAsks.' },
      /agent\.md is not YAML in line 3/,
    ],
    ['a head of values without names', { 'A/agent.md': '---\n- 1\n---\nAsks.' }, /agent\.md describes no agent/],
    ['an unknown tool', { 'A/agent.md': '---\ntools: [get_contxt]\n---\nAsks.' }, /agent A of .*agent\.md.*get_contxt/],
    ['no default export', { 'A/agent.mjs': 'export const a = 1' }, /exports no agent/],
    ['an object that is not an agent', { 'A/agent.mjs': "export default { name: 'A', run() {} }" }, /exports no agent/],
    ['code that throws', { 'A/agent.mjs': "throw new Error('not today')" }, /cannot be loaded: not today/],
  ])('The folder agents/ with %s is rejected with the file.', async (_, files, problem) => {
    await expect(readAgentsFolder(project(files))).rejects.toMatchObject({
      exit: 2,
      message: expect.stringMatching(problem),
    })
  })
})
