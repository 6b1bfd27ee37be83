/** The main job with a language model, played by a server on this machine that speaks the protocol of the provider. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Folder, makeFolder } from './fixtures/make-folder.ts'
import { type AskedModel, type OpenAiServer, openAiServer, type Played } from './fixtures/openai-server.ts'
import { reportOf, runMain } from './fixtures/start-main.ts'
import { Twin } from './team/shapes.ts'

let folder: Folder
beforeEach(() => {
  folder = makeFolder()
})
afterEach(() => folder[Symbol.dispose]())

const question = 'How often is the kettle descaled?'
const quote = 'The kettle is descaled every month with vinegar.'
const passage = { quote, file: 'docs/notes.txt', line: 3, heading: null }
const truth = { claim: 'The kettle is descaled with vinegar every month.', ...passage }
const invented = { claim: 'The kettle is descaled 12 times with citric acid.', ...passage }

/** A model that plans one part, searches once, and writes what it is given. */
function play({ text }: AskedModel, claims: readonly object[] = [truth]): Played {
  if (text.includes('Break the question down')) return { text: JSON.stringify({ sub_questions: [question] }) }
  if (text.includes('You look things up'))
    return text.includes('descaled every month')
      ? { text: JSON.stringify({ findings: [truth], not_found: [] }) }
      : { tool: 'search_documents', args: { query: question } }
  return { text: JSON.stringify({ claims }) }
}

const options = (server: OpenAiServer) => ({
  cwd: folder.root,
  env: { OPENAI_API_KEY: 'key-of-the-test', OPENAI_BASE_URL: server.url },
})
const responses = 'openai/gpt-5-mini'
const ask = (server: OpenAiServer, model = responses) =>
  runMain([question, '--docs', 'docs', '--model', model], options(server))

describe.each([
  ['responses', () => responses],
  ['chat', (server: OpenAiServer) => `${server.url}#test`],
] as const)("The main job behind OpenAI's %s protocol", (protocol, model) => {
  it('The main job searches with its tool and answers in sentences, each cited and checked.', async () => {
    await using server = await openAiServer((asked) => play(asked, [truth, invented]))
    const ended = await ask(server, model(server))
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    const report = readFileSync(reportOf(ended), 'utf8')
    expect(report).toContain(truth.claim)
    expect(report).toContain(`“${quote}”`)
    // Its words and its number do not stand in the quotation.
    expect(report).toMatch(
      /every month\. \[1\] The kettle is descaled 12 times with citric acid\. \[2, not borne out\]/,
    )
    expect(report).toMatch(/\n2\. \*Not borne out: .*“12”/)
    const twin = Twin.parse(JSON.parse(readFileSync(reportOf(ended).replace(/md$/, 'json'), 'utf8')))
    expect(twin.answers[0]?.citations[0]).toMatchObject({ claim: truth.claim, from: 3, quote, heading: null })
    expect(server.asked).toHaveLength(4)
  })

  it('The main job sends no schema twice and stores nothing at the provider.', async () => {
    await using server = await openAiServer((asked) => play(asked))
    await ask(server, model(server))
    for (const { text, body } of server.asked) {
      for (const field of ['sub_questions', 'not_found', 'claims'])
        expect(text.match(new RegExp(`"${field}":\\{`, 'g'))?.length ?? 0).toBeLessThan(2)
      if (protocol === 'responses') expect(body.store).toBe(false)
    }
  })

  it('The main job shows attempts, pauses, time, tokens and cost while they happen.', async () => {
    await using server = await openAiServer((asked, number) =>
      number === 1
        ? { status: 429, headers: { 'retry-after': '1' } }
        : number === 2
          ? { status: 503 }
          : play(asked, [truth]),
    )
    const { code, stdout } = await ask(server, model(server))
    expect(code).toBe(0)
    expect(stdout).toMatch(/limits calls: attempt 2 in 1\.0 s/)
    expect(stdout).toMatch(/: attempt 3 in \d\.\d s/)
    expect(stdout).toMatch(/answered in \d+\.\d s: 100 \+ 20 tokens \(120 tokens in all/)
    expect(stdout).toMatch(protocol === 'responses' ? /480 tokens in all, \$0\.\d{4}\)/ : /480 tokens in all, price/)
  })
})

it('An invented heading is marked as a claim that is not borne out, and is not cited.', async () => {
  const misplaced = { ...truth, claim: 'Vinegar descales the kettle every month.', heading: 'Maintenance 24' }
  await using server = await openAiServer((asked) => play(asked, [truth, misplaced]))
  const ended = await ask(server)
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  const report = readFileSync(reportOf(ended), 'utf8')
  expect(report).toMatch(/every month\. \[1\] Vinegar descales the kettle every month\. \[2, not borne out\]/)
  expect(report).toContain('*Not borne out: The passage does not stand under “Maintenance 24”.*')
  expect(report).not.toContain('(Maintenance 24)')
})

it('A model whose answers never take the form asked for is asked three times.', async () => {
  await using server = await openAiServer(() => ({ text: 'I would rather not.' }))
  const ended = await ask(server)
  expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('3 attempts') })
  expect(server.asked).toHaveLength(3)
})

it('A missing key is found before a run exists.', async () => {
  const { OPENAI_BASE_URL } = { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }
  const args = [question, '--docs', 'docs', '--model', responses]
  const ended = await runMain(args, { cwd: folder.root, env: { OPENAI_BASE_URL } })
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('OPENAI_API_KEY') })
  expect(ended.stdout).not.toContain('starting run')
  expect(await runMain(['--resume'], { cwd: folder.root })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('nothing to resume'),
  })
})

it('The option --resume retries a failed run, and calls that had succeeded are not paid for again.', async () => {
  let isDown = true
  await using server = await openAiServer((asked) =>
    isDown && asked.text.includes('You look things up') ? { status: 401 } : play(asked),
  )
  expect(await ask(server)).toMatchObject({ code: 1, stderr: expect.stringContaining('401') })
  isDown = false
  const before = server.asked.length
  const resumed = await runMain(['--resume'], options(server))
  expect(resumed).toMatchObject({ code: 0, stderr: '' })
  // The plan is not asked for a second time.
  expect(server.asked.slice(before).some(({ text }) => text.includes('Break the question down'))).toBe(false)
  expect(readFileSync(reportOf(resumed), 'utf8')).toContain(truth.claim)
  expect(readdirSync(join(folder.root, 'reports')).filter((name) => name.endsWith('.md'))).toHaveLength(1)
})

it('One --resume retries every researcher that failed, and pays for nothing that succeeded.', async () => {
  const parts = [question, 'With what is the kettle descaled?', 'In which month is the kettle descaled?']
  const isLookup = ({ text }: AskedModel) => text.includes('You look things up')
  const hasSearched = (asked: AskedModel) => isLookup(asked) && asked.text.includes('descaled every month')
  let isDown = true
  await using server = await openAiServer((asked) => {
    if (asked.text.includes('Break the question down')) return { text: JSON.stringify({ sub_questions: parts }) }
    return isDown && hasSearched(asked) ? { status: 401 } : play(asked)
  })
  expect(await ask(server)).toMatchObject({ code: 1, stderr: expect.stringContaining('401') })
  expect(server.asked.filter(hasSearched)).toHaveLength(parts.length)
  isDown = false
  const before = server.asked.length
  expect(await runMain(['--resume'], options(server))).toMatchObject({ code: 0, stderr: '' })
  const after = server.asked.slice(before)
  expect(after.filter(hasSearched)).toHaveLength(parts.length)
  // Neither the plan nor a search that the first process had committed is asked for a second time.
  expect(after.filter((asked) => isLookup(asked) && !hasSearched(asked))).toEqual([])
  expect(after.some(({ text }) => text.includes('Break the question down'))).toBe(false)
})
