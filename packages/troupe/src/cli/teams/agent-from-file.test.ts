import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { definitionOf } from '../../agents/index.ts'
import { createTroupe, LlmAgent } from '../../index.ts'
import { type MockItem, MockModel } from '../../testing/index.ts'
import { readAgentsFolder } from './read-agents-folder.ts'
import { readTeamFile } from './team-file.ts'

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-agent-file-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

/** What a model is sent for one task, the agent being of the team in `team.yaml`. */
async function sentBy(folder: string, task: string): Promise<string> {
  const { topology } = await readTeamFile(join(folder, 'team.yaml'))
  const reply: MockItem = () => 'Write to bob@example.com.'
  const model = new MockModel({ responses: [reply, reply] })
  await using troupe = await createTroupe({ storage: 'memory:', models: { registry: { scripted: model } } })
  const run = await troupe.user('ada').orchestra.start({ task, topology })
  const { response } = await run.result()
  return `${JSON.stringify(model.calls)}\n${JSON.stringify(response)}`
}

const skill = '---\nname: totals\ndescription: Adds up a report.\n---\nAdd all lines.\n'

it('A team file gives its agents skills, instructions of a file, guardrails, memory and settings of the model.', async () => {
  const folder = folderWith({
    'team.yaml': `agents:
  Clerk:
    model: scripted
    instructions: { file: ./AGENTS.md, text: Be short. }
    skills: true
    guardrails:
      input: [{ redactPersonalData: { kinds: [email] } }]
      output: [{ redactPersonalData: true }]
    memory: { compaction: { at: 0.5, retainTurns: 3, by: rules }, pinned: [The shop closes at six.] }
    settings: { seed: 7, topP: 0.5, providerOptions: { openai: { textVerbosity: low } } }
`,
    'AGENTS.md': 'You sort parcels.\n',
    '.agents/skills/totals/SKILL.md': skill,
  })
  const sent = await sentBy(folder, 'Mail ada@example.com')
  for (const text of [
    'You sort parcels.',
    'Be short.',
    'Adds up a report.',
    'closes at six',
    'textVerbosity',
    '"seed":7',
  ])
    expect(sent).toContain(text)
  expect(sent).not.toContain('ada@example.com')
  expect(sent.split('\n')[1]).not.toContain('bob@example.com')
})

it('An agent.md has the same options, and its text stands behind that of the file of instructions.', async () => {
  const folder = folderWith({
    'agents/Clerk/agent.md':
      '---\ninstructions: { file: ../../AGENTS.md }\nskills: [./skills]\nmemory: { compaction: { at: 2000 } }\n---\nBe short.\n',
    'AGENTS.md': 'You sort parcels.\n',
    'agents/Clerk/skills/totals/SKILL.md': skill,
  })
  const [agent] = await readAgentsFolder(folder)
  expect(agent).toBeInstanceOf(LlmAgent)
  expect(definitionOf(agent as LlmAgent)).toMatchObject({
    instructions: 'You sort parcels.\n\nBe short.',
    skills: [{ name: 'totals' }],
    memory: { compaction: { at: 2000 } },
  })
})

it.each([
  ['a folder of skills that is missing', 'skills: ./none', /agent A of .*none/],
  [
    'a file of instructions that is missing',
    'instructions: { file: none.md }',
    /agent A of .*instructions of A cannot be read from none\.md: it does not exist/,
  ],
  [
    'a file of instructions outside its project',
    'instructions: { file: /etc/hostname }',
    /agent A of .*outside the project/,
  ],
  [
    'a misspelt option of the instructions',
    'instructions: { file: ./AGENTS.md, txt: x }',
    /agents\.A\.instructions: txt is unknown/,
  ],
  [
    'an unknown kind of personal data',
    'guardrails: { input: [{ redactPersonalData: { kinds: [name] } }] }',
    /agents\.A\.guardrails\.input\.0\.redactPersonalData\.kinds\.0: it must be one of email/,
  ],
  [
    'an unknown option of the memory',
    'memory: { compacton: { at: 4000 } }',
    /compacton is unknown; did you mean compaction\?/,
  ],
  ['a compaction without room for a summary', 'memory: { compaction: { at: 200 } }', /memory\.compaction\.at/],
  ['an unknown effort of reasoning', 'settings: { reasoning: { effort: most } }', /effort/],
])('A team file with %s is rejected with the place.', async (_, line, problem) => {
  const instructions = line.startsWith('instructions') ? '' : 'instructions: x, '
  const folder = folderWith({ 'team.yaml': `agents: { A: { ${instructions}${line} } }\n` })
  await expect(readTeamFile(join(folder, 'team.yaml'))).rejects.toMatchObject({
    exit: 2,
    message: expect.stringMatching(problem),
  })
})
