import { createTroupe, type LlmAgentOptions } from 'troupe'
import { MockModel } from 'troupe/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SearchIndex } from '../documents/index.ts'
import { type Folder, makeFolder } from '../fixtures/make-folder.ts'
import { citationsIn } from '../fixtures/read-report.ts'
import { createTeam } from './create-team.ts'
import { type Claim, Outcome, type Project } from './shapes.ts'

let folder: Folder
let index: SearchIndex
beforeAll(async () => {
  folder = makeFolder()
  index = await SearchIndex.open({ folders: [folder.docs] }, { base: folder.root })
})
afterAll(() => folder[Symbol.dispose]())

const right: Claim = {
  claim: 'The kettle is cleaned with vinegar.',
  quote: 'The kettle is descaled every month with vinegar.',
  file: 'docs/notes.txt',
  line: 3,
  heading: null,
}
const other: Claim = {
  claim: 'Water boils in four minutes.',
  quote: 'The kettle of the tea room boils two litres of water in four minutes.',
  file: 'docs/guide.md',
  line: 3,
  heading: null,
}
const wrongLine = { ...other, line: 9 }
const wrongQuote = {
  ...right,
  claim: 'The kettle is cleaned with soap.',
  quote: 'The kettle is descaled every day with soap.',
}
const wrongFile = { ...right, claim: 'It is in the register.', file: 'docs/register.md' }

/** A model that plans one part, finds what it is given, and writes one draft after the other. */
function scripted(findings: readonly Claim[], drafts: readonly (readonly Claim[])[]) {
  let written = 0
  return new MockModel({
    responses: [
      { match: 'Break the question down', text: JSON.stringify({ sub_questions: ['How is the kettle kept?'] }) },
      { match: 'You look things up', text: JSON.stringify({ findings, not_found: [] }) },
      ...Array.from({ length: 3 }, () => () => ({
        text: JSON.stringify({ claims: drafts[Math.min(written++, drafts.length - 1)] }),
      })),
    ],
  })
}

async function project(model: LlmAgentOptions['model'] & object) {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const { topology, config } = createTeam({ index, model })
  const task: Project = {
    question: 'How is the kettle kept?',
    folders: [folder.docs],
    files: [],
    base: folder.root,
    model: 'mock/mock',
    reports: '.',
  }
  const run = await troupe.user('ada').orchestra.start({ task, topology, config })
  const sent: string[] = []
  for await (const event of run.events()) if (event.type === 'request.made') sent.push(JSON.stringify(event.payload))
  const result = await run.result()
  if (result.error) throw result.error
  return { report: Outcome.parse(result.response).final_report, sent }
}

describe('the reviewer', () => {
  it('The reviewer accepts a draft whose citations are correct.', async () => {
    const { report, sent } = await project(scripted([right, other], [[right, other]]))
    expect(sent).toEqual([])
    expect(citationsIn(report)).toEqual([right, other].map(({ quote, file, line }) => ({ quote, file, line })))
    expect(report).toMatch(/found every one in its place/)
  })

  it.each([
    ['a wrong line', wrongLine, /is in docs\/guide\.md at 3, not at line 9/],
    ['a wrong quotation', wrongQuote, /does not stand in docs\/notes\.txt/],
    ['a wrong file', wrongFile, /docs\/register\.md is not among the documents/],
  ])('The reviewer returns a draft with %s, and accepts the corrected draft.', async (_, wrong, remark) => {
    const { report, sent } = await project(
      scripted(
        [right, other],
        [
          [right, wrong],
          [right, other],
        ],
      ),
    )
    expect(sent).toHaveLength(1)
    expect(sent[0]).toMatch(remark)
    expect(citationsIn(report)).toHaveLength(2)
    expect(report).toMatch(/sent the draft back once/)
    expect(report).not.toMatch(/Struck out/)
    expect(report).not.toContain(wrong.line === 9 ? 'guide.md:9' : wrong.quote === right.quote ? 'register.md' : 'soap')
  })

  it('The reviewer returns a draft at most twice, then strikes out what is wrong and says so.', async () => {
    const { report, sent } = await project(scripted([right, other], [[right, wrongQuote, wrongFile]]))
    expect(sent).toHaveLength(2)
    expect(citationsIn(report)).toEqual([{ quote: right.quote, file: right.file, line: right.line }])
    expect(report).toMatch(/sent the draft back twice, and struck out 2\./)
    expect(report).toMatch(/## Struck out\n\n.*\n\n- .*notes\.txt:3.*does not stand.*\n- .*register\.md:3.*not among/)
  })

  it('The reviewer strikes out an invented finding of a researcher, with its passages.', async () => {
    const { report } = await project(scripted([right, { ...wrongQuote }], [[right], [right], [right]]))
    for (const { quote } of citationsIn(report)) expect(quote).not.toMatch(/soap/)
  })
})

describe('the team', () => {
  it('The team reports what it has if one researcher fails, and names the missing part.', async () => {
    const asks = (text: string) => (options: unknown) => JSON.stringify(options).includes(text)
    const model = new MockModel({
      responses: [
        {
          match: 'Break the question down',
          text: JSON.stringify({ sub_questions: ['How is the kettle kept?', 'What does a pot cost?'] }),
        },
        { match: asks('What does a pot cost?'), error: new Error('the line is dead') },
        { match: 'You look things up', text: JSON.stringify({ findings: [right], not_found: [] }) },
        { match: 'You write one section', text: JSON.stringify({ claims: [right] }) },
      ],
    })
    const { report } = await project(model)
    expect(citationsIn(report)).toHaveLength(1)
    expect(report).toMatch(/\*\*What does a pot cost\?\*\*\n\nIt could not be looked up\./)
    expect(report).toMatch(/Sub-question 2: It could not be looked up: .*the line is dead/)
  })

  it('The team fails with the reason if every researcher fails.', async () => {
    const model = new MockModel({
      responses: [
        { match: 'Break the question down', text: JSON.stringify({ sub_questions: ['How is the kettle kept?'] }) },
        { match: 'You look things up', error: new Error('the line is dead') },
      ],
    })
    await expect(project(model)).rejects.toThrow(/the line is dead/)
  })
})
