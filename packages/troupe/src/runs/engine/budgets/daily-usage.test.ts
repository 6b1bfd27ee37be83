/** What a user may use on one day, over runs, sessions and evaluations. */
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { dropSchema, missingServer, schemaName, server } from '../../../../test/postgres/postgres-server.ts'
import { defineAgent, defineTool, LlmAgent } from '../../../index.ts'
import { solo, troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'
import { createVirtualClock, MockModel } from '../../../testing/index.ts'

const { opened } = troupesOfTests()
const missing = await missingServer()
const schema = schemaName('daily')
afterAll(async () => {
  if (missing === undefined) await dropSchema(schema)
})
const look = defineTool({
  name: 'look',
  description: 'Looks.',
  inputSchema: z.object({ n: z.number() }),
  effect: 'read',
  execute: ({ n }) => n,
})
const usage = { inputTokens: 600, outputTokens: 400 }
/** Each call uses 1,000 tokens; a run makes two. */
const talker = () => {
  const model = new MockModel({
    responses: Array.from(
      { length: 100 },
      () =>
        ({ prompt }) =>
          JSON.stringify(prompt).includes('tool-result')
            ? { text: 'done', usage }
            : { text: '', toolCalls: [{ name: 'look', args: { n: 1 } }], usage },
    ),
  })
  return { model, agent: new LlmAgent({ name: 'Talker', model, tools: { look }, settings: { maxOutputTokens: 400 } }) }
}
const quick = defineAgent({ name: 'Quick', run: () => 'done' })

describe.each([
  { name: 'in memory', storage: 'memory:' as const, skip: false },
  { name: 'on PostgreSQL', storage: { url: server, schema }, skip: missing !== undefined },
])('limits of a user per day, $name', ({ storage, skip }) => {
  it.skipIf(skip)(
    'A daily limit of a user counts started, forked and retried runs, and starts at zero on the next UTC day.',
    async () => {
      const clock = createVirtualClock({ start: Date.parse('2026-03-01T23:00:00Z') })
      const config = { storage, limits: { user: { perDay: { runs: 3 } } } }
      const troupe = await opened({ ...config, ...(typeof storage === 'string' ? { clock } : {}) })
      const { orchestra } = troupe.user('ada')
      const first = await orchestra.start({ task: 1, topology: solo(quick) })
      await first.result()
      await (await orchestra.fork(first.id, { at: 1 })).result()
      const starts = defineAgent({
        name: 'Starts',
        run: async (_, ctx) => (await (await ctx.startRun({ task: 1, topology: solo(quick) })).result()).status,
      })
      expect((await orchestra.run({ task: 1, topology: solo(starts) })).response).toBe('completed')
      const rejected = { code: 'budget.exceeded', details: expect.objectContaining({ budget: 'runs per day' }) }
      await expect(orchestra.start({ task: 1, topology: solo(quick) })).rejects.toMatchObject(rejected)
      await expect(orchestra.fork(first.id, { at: 1 })).rejects.toMatchObject(rejected)
      expect((await troupe.user('bob').orchestra.run({ task: 1, topology: solo(quick) })).status).toBe('completed')
      if (typeof storage !== 'string') return
      await clock.advance('1h')
      await orchestra.start({ task: 1, topology: solo(quick) })
    },
  )

  it.skipIf(skip)('A daily limit of the cost ends the run whose next model call it does not allow.', async () => {
    const prices = { 'mock/mock': { input: 10, output: 20 } }
    const troupe = await opened({ storage, prices, limits: { user: { perDay: { cost: 0.04 } } } })
    const { orchestra } = troupe.user('cora')
    const { model, agent } = talker()
    // A call costs 600 tokens at 10 and 400 at 20 for a million: 0.014.
    const first = await orchestra.run({ task: 1, topology: solo(agent) })
    expect(first.status).toBe('completed')
    const over = await orchestra.run({ task: 2, topology: solo(agent), config: { budget: { cost: 1e6 } } })
    expect(over).toMatchObject({
      status: 'failed',
      guard: { name: 'cost per day', limit: 0.04, used: expect.closeTo(0.042) },
    })
    expect(model.calls).toHaveLength(3)
    expect((await troupe.user('dora').orchestra.run({ task: 1, topology: solo(agent) })).status).toBe('completed')
  })

  it.skipIf(skip)(
    'A daily token limit ends the run and the session whose next model call it does not allow.',
    async () => {
      const troupe = await opened({ storage, limits: { user: { perDay: { tokens: 3_200 } } } })
      const ada = troupe.user('tia')
      const { model, agent } = talker()
      expect((await ada.orchestra.run({ task: 1, topology: solo(agent) })).status).toBe('completed')
      const over = await ada.orchestra.run({ task: 2, topology: solo(agent), config: { budget: { tokens: 1e12 } } })
      expect(over).toMatchObject({ status: 'failed', guard: { name: 'tokens per day', limit: 3_200, used: 3_000 } })
      expect(over.error?.message).toMatch(/3000 of 3200 used, and the next call needs \d+/)
      expect(model.calls).toHaveLength(3)
      await expect(ada.session(agent).chat('again')).rejects.toMatchObject({
        code: 'budget.exceeded',
        details: { budget: 'tokens per day', used: 3_000 },
      })
      expect(model.calls).toHaveLength(3)
    },
  )

  it.skipIf(skip)('A daily token limit bounds a session that starts no run.', async () => {
    const troupe = await opened({ storage, limits: { user: { perDay: { tokens: 2_400 } } } })
    const { model, agent } = talker()
    const session = troupe.user('sid').session(agent)
    expect(await session.chat('hello')).toBe('done')
    await expect(session.chat('again')).rejects.toMatchObject({ code: 'budget.exceeded' })
    expect(model.calls).toHaveLength(2)
  })

  it.skipIf(skip)('Daily limits bound evaluations, and evaluations are charged for what they used.', async () => {
    const troupe = await opened({ storage, limits: { user: { perDay: { tokens: 5_000, runs: 3 } } } })
    const { orchestra } = troupe.user('eva')
    const { model, agent } = talker()
    const run = await orchestra.start({ task: 1, topology: solo(agent) })
    await run.result()
    const evaluation = () => orchestra.evaluate({ runs: [run.id], change: {}, score: 'exact' })
    expect((await evaluation()).runs[0]?.status).toBe('scored')
    expect(model.calls).toHaveLength(4)
    expect((await evaluation()).runs[0]?.status).toBe('failed')
    expect((await evaluation()).runs[0]?.status).toBe('skipped')
    expect(model.calls.length).toBeLessThanOrEqual(5)
  })
})

it('createTroupe rejects limits that are unknown or out of bounds.', async () => {
  for (const limits of [
    { runs: 1 },
    { user: { perDay: { steps: 1 } } },
    { user: { perDay: { runs: 1.5 } } },
    { user: { perDay: { cost: -1 } } },
    { run: { tokens: 'many' } },
  ])
    await expect(opened({ limits: limits as object })).rejects.toThrow(/limits/)
})
