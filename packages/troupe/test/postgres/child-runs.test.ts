/** A run that a step started, told by its own id from any process: the one above goes on with it. */
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { createTroupe, defineAgent, finish, type Troupe, type TroupeConfig } from '../../src/index.ts'
import { dropSchema, missingServer, schemaName, server, withClient } from './postgres-server.ts'

const missing = await missingServer()
const schema = schemaName('below')
const storage = { url: server, schema } as const

const first = defineAgent({ name: 'First', run: async (_, ctx) => (await ctx.ask({ text: 'Go on?' })) as string })
const last = defineAgent({ name: 'Last', run: async (input) => `${String(input)}, done` })
const line = { agents: [first, last], flows: ['Start -> First', 'First -> Last', 'Last -> End', 'First <-> User'] }
const outer = defineAgent({
  name: 'Outer',
  run: async (_, ctx) => {
    const child = await ctx.startRun({ task: 'sub', topology: line })
    const { status, response = null } = await child.result()
    return finish({ status, response })
  },
})
const topology = { agents: [outer], flows: ['Outer -> End'] }

describe.skipIf(missing !== undefined)('a run below', () => {
  const opened: Troupe[] = []
  const open = async (options: Partial<TroupeConfig> = {}) => {
    const troupe = await createTroupe({ storage, lease: '1s', log: 'silent', ...options })
    opened.push(troupe)
    return troupe
  }
  const runOf = (troupe: Troupe, id: string) => troupe.user('ada').orchestra.get(id)
  const holderOf = (id: string) =>
    withClient(async (client) => {
      const { rows } = await client.query(`select owner from ${schema}.work where journal_id = 'run:' || $1`, [id])
      return rows[0]?.owner as string | undefined
    })
  /** A run whose child waits for an answer and is held by nobody. */
  const startWaitingRun = async (troupe: Troupe, id: string) => {
    const run = await troupe.user('ada').orchestra.start({ id, task: 't', topology })
    const { questions } = await run.result()
    const [child = '', question = ''] = questions[0]?.id.split('::') ?? []
    await expect.poll(() => holderOf(child)).toBe('')
    return { run, child, question }
  }
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((troupe) => troupe.close()))
  })
  afterAll(() => dropSchema(schema))

  test('A child run that is paused, resumed and answered from another process completes its parent.', async () => {
    const here = await open()
    const there = await open()
    const { run, child, question } = await startWaitingRun(here, 'one')
    const far = await runOf(there, child)
    await far.pause()
    expect(await run.result()).toMatchObject({ status: 'waiting' })
    await far.answer(question, 'yes')
    expect(await far.result()).toMatchObject({ status: 'waiting', reason: 'paused' })
    expect(await (await runOf(there, 'one')).result()).toMatchObject({ status: 'waiting', reason: 'paused' })
    await far.resume()
    expect(await run.result()).toMatchObject({ status: 'completed', response: { response: 'yes, done' } })
  })

  test('A child run that is cancelled from another process reports to its parent.', async () => {
    const [here, there] = [await open(), await open()]
    const { run, child } = await startWaitingRun(here, 'two')
    await (await runOf(there, child)).cancel()
    expect(await run.result()).toMatchObject({ status: 'completed', response: { status: 'cancelled' } })
  })

  test('A waiting child run resumes in another process after its first one is gone, with the code of its parent.', async () => {
    const [here, there] = [await open(), await open({ agents: [outer] })]
    const { child, question } = await startWaitingRun(here, 'three')
    await here.close()
    await (await runOf(there, child)).answer(question, 'yes')
    expect(await (await runOf(there, 'three')).result()).toMatchObject({
      status: 'completed',
      response: { response: 'yes, done' },
    })
  })

  test('A child run that another process owned resumes after that process is gone, with the code of its parent.', async () => {
    const [here, there] = [await open({ agents: [first, last] }), await open({ agents: [outer] })]
    const { child, question } = await startWaitingRun(there, 'four')
    const far = await runOf(here, child)
    await far.pause()
    await far.answer(question, 'yes')
    await here.close()
    await (await runOf(there, child)).resume()
    expect(await (await runOf(there, 'four')).result()).toMatchObject({ status: 'completed' })
  })

  test('A step awaits a child run that another process claims at the same time.', async () => {
    const one = await open()
    // The first takeover of the child finds no row, as after the takeover of another process.
    await withClient((client) =>
      client.query(`create sequence ${schema}.takeovers;
        create function ${schema}.lose_first() returns trigger language plpgsql security definer as $$
        begin return case nextval('${schema}.takeovers') when 1 then null else new end; end $$;
        create trigger lose_first before update on ${schema}.journals for each row
        when (new.journal_id like 'run:five.%' and new.epoch > old.epoch) execute function ${schema}.lose_first()`),
    )
    const { child, question, run } = await startWaitingRun(one, 'five')
    await (await runOf(one, child)).answer(question, 'yes')
    expect(await run.result()).toMatchObject({ status: 'completed', response: { response: 'yes, done' } })
    await withClient((client) => client.query(`drop trigger lose_first on ${schema}.journals`))
  })
})
