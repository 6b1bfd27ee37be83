/** The end of a step and the decision of its run are one change, unless another writer can cause its rejection. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { defineAgent, finish, invoke, LlmAgent } from '../../../index.ts'
import { countStatements } from '../../../startup/statement-counter.test.fixture.ts'
import { troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../../testing/index.ts'

const { ada } = troupesOfTests()
const isEndRow = (sql: string) => sql.startsWith('insert into inbox')

it('A step that started a child run ends with a row in the inbox, after the rows that the child run put there.', async () => {
  const child = {
    agents: [defineAgent({ name: 'Child', run: async () => 'done' })],
    flows: ['Start -> Child', 'Child -> End'],
  }
  const lead = defineAgent({
    name: 'Lead',
    run: async (_, ctx) => (await (await ctx.startRun({ task: 'go', topology: child })).result()).response,
  })
  const topology = { agents: [lead], flows: ['Start -> Lead', 'Lead -> End'] }
  const { orchestra } = await ada()
  await orchestra.run({ task: 'warm up', topology })
  const texts = countStatements()
  expect(await orchestra.run({ task: 'go', topology })).toMatchObject({ status: 'completed', response: 'done' })
  expect(texts.filter(isEndRow).length).toBeGreaterThan(0)
})

it('A step whose end is rejected in a common commit repeats its turn, and the other steps end.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-ends-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'troupe.db')
  const { orchestra } = await ada({ storage: `sqlite:${path}` })
  const other = new DatabaseSync(path)
  onTestFinished(() => other.close())
  let write = () => {}
  const responses = [
    () => 'first',
    () => {
      write()
      return 'ok'
    },
    () => 'again',
  ]
  const disturbed = new LlmAgent({ name: 'W1', instructions: 'Work.', model: new MockModel({ responses }) })
  const workers = [
    disturbed,
    ...['W2', 'W3'].map(
      (name) => new LlmAgent({ name, instructions: 'Work.', model: new MockModel({ responses: ['ok', 'ok'] }) }),
    ),
  ]
  const lead = defineAgent({
    name: 'Lead',
    run: async (input: { readonly results?: readonly { readonly value: unknown }[] } | string) =>
      typeof input === 'object' && input.results
        ? finish(input.results.length)
        : invoke(workers.map(({ name }) => ({ agent: name, input: 'go' }))),
  })
  const flows = ['Start -> Lead', ...workers.map(({ name }) => `Lead <-> ${name}`), 'Lead -> End']
  const spec = { task: 'go', topology: { agents: [lead, ...workers], flows } }
  const first = await orchestra.start({ ...spec, id: 'first' })
  await first.result()
  const thread = String(other.prepare("select thread from thread_messages where thread like '%@W1'").get()?.thread)
  write = () => {
    const message = JSON.stringify({ role: 'user', content: [{ type: 'text', text: 'of another' }] })
    other
      .prepare("insert into thread_messages (user_id, thread, seq, message, taint) values ('ada', ?, 0, ?, '[]')")
      .run(thread.replace('first', 'second'), message)
  }
  const run = await orchestra.start({ ...spec, id: 'second' })
  expect(await run.result()).toMatchObject({ status: 'completed', response: 3 })
  const messages = other.prepare('select message from thread_messages where thread = ? order by seq')
  const rows = messages.all(thread.replace('first', 'second')).map(({ message }) => String(message))
  expect(rows[0]).toContain('of another')
  expect(rows.at(-1)).toContain('again')
  expect(await orchestra.verifyReplay('second')).toMatchObject({ identical: true })
})
