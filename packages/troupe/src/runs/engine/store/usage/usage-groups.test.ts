/** Usage by user, team and model: counted once, also for waiting runs, child runs, forks and after a restart. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { dropSchema, missingServer, schemaName, server } from '../../../../../test/postgres/postgres-server.ts'
import { createVirtualClock, systemRandom } from '../../../../core/index.ts'
import { defineAgent, defineTool, finish, LlmAgent, type TroupeEvent, ValidationError } from '../../../../index.ts'
import { journalMigrations } from '../../../../journal/index.ts'
import { eventsOf, solo, troupesOfTests } from '../../../../startup/troupe-testbed.test.fixture.ts'
import { openStorage } from '../../../../storage/index.ts'
import { type MockItem, MockModel } from '../../../../testing/index.ts'
import { runMigrations } from '../run-migrations.ts'
import { readUsageGroups } from './read-usage-groups.ts'

const missing = await missingServer()
const schema = schemaName('usage_groups')
const folder = mkdtempSync(join(tmpdir(), 'troupe-usage-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(async () => {
  await closeAll()
  if (missing === undefined) await dropSchema(schema)
})
const { opened, closeAll } = troupesOfTests()

const usage = { inputTokens: 1_000, outputTokens: 100 }
const answer: MockItem = { text: 'done', usage }
const prices = { 'mock/priced': { input: 1, output: 10 } }
const costOfCall = 0.002
const ask = defineTool({
  name: 'ask',
  description: 'Asks a person.',
  inputSchema: z.object({}),
  durable: true,
  execute: async (_, { ctx }) => ctx.ask({ text: 'Which?' }),
})
const asks: MockItem = { toolCalls: [{ name: 'ask', args: {} }], usage }
const clerk = (name: string, modelId: string, ...responses: MockItem[]) =>
  new LlmAgent({ name, model: new MockModel({ responses, provider: 'mock', modelId }), tools: { ask } })
const call = { tokens: 1_100, inputTokens: 1_000, outputTokens: 100, cost: costOfCall, unpriced: 0 }
const calls = (n: number) => ({
  tokens: n * 1_100,
  inputTokens: n * 1_000,
  outputTokens: n * 100,
  cost: expect.closeTo(n * costOfCall),
  unpriced: 0,
})

describe.each(['memory:', server].slice(0, missing === undefined ? 2 : 1))('usage by group on %s', (url) => {
  const config = { storage: url === 'memory:' ? url : { url, schema }, prices }

  it('The usage is grouped by user, team and model, of one user or of all, and rejects other groups.', async () => {
    const priced = clerk('Priced', 'priced', answer, answer, answer)
    const free = clerk('Free', 'unknown', answer)
    const troupe = await opened({ ...config, agents: [priced, free] })
    const [ada, eve] = [troupe.user('ada').orchestra, troupe.user('eve').orchestra]
    for (const task of ['a', 'b']) await ada.run({ agent: priced, task })
    await eve.run({ agent: priced, task: 'c' })
    await eve.run({ agent: free, task: 'd' })
    const unpriced = { runs: 1, ...call, cost: 0, unpriced: 1 }
    expect(await ada.usageBy('team')).toEqual([{ name: 'Priced', runs: 2, ...calls(2) }])
    expect(await ada.usageBy('user')).toEqual([{ name: 'ada', runs: 2, ...calls(2) }])
    expect(await eve.usageBy('model')).toEqual([
      { name: 'mock/priced', runs: 1, ...call },
      { name: 'mock/unknown', ...unpriced },
    ])
    expect(await troupe.usageBy('model')).toEqual([
      { name: 'mock/priced', runs: 3, ...calls(3) },
      { name: 'mock/unknown', ...unpriced },
    ])
    expect(await troupe.usageBy('user')).toMatchObject([
      { name: 'ada', runs: 2, unpriced: 0 },
      { name: 'eve', runs: 2, tokens: 2_200, unpriced: 1 },
    ])
    expect(await troupe.usageBy('user', { limit: 1 })).toHaveLength(1)
    expect(await troupe.usageBy('team', { to: '2020-01-01' })).toEqual([])
    await expect(ada.usageBy('agent' as never)).rejects.toBeInstanceOf(ValidationError)
    await expect(ada.usageBy('team', { from: 'yesterday' })).rejects.toThrow(
      'it must be a time such as 2026-03-01T08:00:00Z, got',
    )
    await expect(ada.usageBy('team', { limit: 0 })).rejects.toThrow('from 1 to 1000')
    await troupe.forget('eve')
    expect(await troupe.usageBy('user')).toMatchObject([{ name: 'ada' }])
  })

  it('Calls of a child run count once, for the team and the model of the child.', async () => {
    const inner = clerk('Inner', 'priced', answer)
    const outer = defineAgent({
      name: 'Outer',
      run: async (_, ctx) => finish((await (await ctx.startRun({ task: 's', topology: solo(inner) })).result()).status),
    })
    const { orchestra } = (await opened({ ...config, agents: [outer] })).user('ada')
    expect(await orchestra.run({ task: 't', agent: outer })).toMatchObject({ usage })
    expect(await orchestra.usageBy('user')).toEqual([{ name: 'ada', runs: 1, ...call }])
    expect(await orchestra.usageBy('team')).toEqual([{ name: 'Inner', runs: 1, ...call }])
    const history = await orchestra.usage()
    expect(history.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(call.tokens)
    expect(history.reduce((sum, { cost }) => sum + cost, 0)).toBeCloseTo(call.cost)
  })

  it('A fork counts its own calls alone, also if its step continues with the calls of the source.', async () => {
    const agent = clerk('Clerk', 'priced', asks, answer, answer)
    const { orchestra } = (await opened({ ...config, agents: [agent] })).user('ada')
    const run = await orchestra.start({ task: 't', agent })
    const [question] = (await run.result()).questions
    const waits = (await eventsOf(run, 'run.waiting')).find(({ type }) => type === 'step.waiting')
    expect(await orchestra.usageBy('model')).toEqual([{ name: 'mock/priced', runs: 1, ...call }])
    await run.answer(question?.id ?? '', 'this one')
    await run.result()
    expect(await orchestra.usageBy('model')).toEqual([{ name: 'mock/priced', runs: 1, ...calls(2) }])
    const fork = await orchestra.fork(run.id, { at: waits?.seq ?? 0 })
    const [question2] = (await fork.result()).questions
    expect(await orchestra.usageBy('model')).toEqual([{ name: 'mock/priced', runs: 1, ...calls(2) }])
    await fork.answer(question2?.id ?? '', 'this one')
    expect(await fork.result()).toMatchObject({ usage: { inputTokens: 2_000 } })
    expect(await orchestra.usageBy('model')).toEqual([{ name: 'mock/priced', runs: 2, ...calls(3) }])
    const late = await orchestra.fork(run.id, { at: (await eventsOf(run)).length })
    await late.result()
    expect(await orchestra.usageBy('model')).toEqual([{ name: 'mock/priced', runs: 2, ...calls(3) }])
    expect(await orchestra.compare(run.id, late.id)).toEqual({ identical: true })
    const [hour, ...more] = await orchestra.usage()
    const { tokens, cost } = calls(3)
    expect([hour, more]).toMatchObject([{ runs: 3, tokens, cost }, []])
  })

  it('Runs of a database without usage by model count under an unknown model.', async () => {
    const options = {
      url,
      clock: createVirtualClock(),
      random: systemRandom,
      time: 'clock' as const,
      ...(url === 'memory:' ? {} : { postgres: { schema } }),
    }
    const file = url === 'memory:' ? `sqlite:${join(folder, 'old.db')}` : url
    const [first, ...later] = runMigrations
    if (!first) throw new Error('There is no migration.')
    const old = await openStorage({ ...options, url: file, migrations: [...journalMigrations, first] })
    const row = (run: string, parent: string | null) => ({
      sql: `insert into runs (user_id, run_id, status, tags, agents, team, parent, created_at, updated_at, tokens, cost)
        values ('ada', '${run}', 'completed', '[]', '[]', 'notes', ${parent}, 5, 5, 300, 0.5)`,
      binds: [],
    })
    const statements = [row('a', null), row('b', `'{"run":"a","step":"1#1","wait":"w"}'`)]
    expect(await old.commit({ id: null, scope: { user: 'ada' }, statements })).toMatchObject({ ok: true })
    await old.close()
    const present = await openStorage({ ...options, url: file, migrations: [...journalMigrations, first, ...later] })
    const range = { from: '1970-01-01', to: '1970-01-02' }
    const earlier = { runs: 1, tokens: 300, inputTokens: 0, outputTokens: 0, cost: 0.5, unpriced: 0 }
    const by = (group: 'model' | 'team') => readUsageGroups(present, undefined, group, range, 0)
    expect(await by('model')).toEqual([earlier])
    expect(await by('team')).toEqual([{ name: 'notes', ...earlier }])
    await present.close()
  })
})

describe('The usage of a run', () => {
  it('A run that continues after a restart counts its calls once.', async () => {
    const config = { storage: `sqlite:${join(folder, 'restart.db')}`, prices }
    const before = await opened({ ...config, agents: [clerk('Clerk', 'priced', asks)] })
    const run = await before.user('ada').orchestra.start({ task: 't', agent: 'Clerk' })
    await run.result()
    await closeAll()
    const troupe = await opened({ ...config, agents: [clerk('Clerk', 'priced', answer)] })
    const resumed = await troupe.user('ada').orchestra.get(run.id)
    expect(await troupe.usageBy('model')).toEqual([{ name: 'mock/priced', runs: 1, ...call }])
    const [question] = (await resumed.result()).questions
    await resumed.answer(question?.id ?? '', 'this one')
    await resumed.result()
    expect(await troupe.usageBy('model')).toEqual([{ name: 'mock/priced', runs: 1, ...calls(2) }])
    expect(await troupe.user('ada').orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
  })

  it('A failed step and a helper count for their models.', async () => {
    const helper = clerk('Helper', 'helper', answer)
    const lead = new LlmAgent({
      name: 'Lead',
      agents: { helper },
      model: new MockModel({
        provider: 'mock',
        modelId: 'priced',
        responses: [{ toolCalls: [{ name: 'helper', args: { request: 'help' } }], usage }, new Error('no luck')],
      }),
    })
    const troupe = await opened({ storage: 'memory:', prices, agents: [lead] })
    expect(await troupe.user('ada').orchestra.run({ task: 't', agent: lead })).toMatchObject({ status: 'failed' })
    expect((await troupe.usageBy('model')).map(({ name, tokens }) => [name, tokens])).toEqual([
      ['mock/priced', 1_100],
      ['mock/helper', 1_100],
    ])
  })

  it('A run in progress counts what its ended steps have used, as of at most ten seconds before.', async () => {
    let finishLast: (() => void) | undefined
    const last = defineAgent({ name: 'Last', run: () => new Promise<void>((resolve) => (finishLast = resolve)) })
    const agents = [clerk('First', 'priced', answer), last]
    const troupe = await opened({ storage: 'memory:', prices, agents })
    const { orchestra } = troupe.user('ada')
    const stored: TroupeEvent<'usage.stored'>[] = []
    troupe.on('usage.stored', (event) => void stored.push(event))
    const topology = { agents, flows: ['Start -> First', 'First -> Last', 'Last -> End'] }
    const run = await orchestra.start({ task: 't', topology })
    await expect.poll(() => finishLast).toBeDefined()
    expect(await troupe.usageBy('model')).toEqual([{ name: 'mock/priced', runs: 1, ...call }])
    expect(stored).toMatchObject([{ userId: 'ada', runId: run.id, ...usage, cost: costOfCall }])
    finishLast?.()
    await run.result()
    expect(stored).toHaveLength(1)
  })
})
