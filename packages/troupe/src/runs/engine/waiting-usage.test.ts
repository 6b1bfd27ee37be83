/** What a waiting run shows of the tokens and the cost that its open steps have used. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, finish, LlmAgent, type Run } from '../../index.ts'
import { eventsOf, solo, troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { type MockItem, MockModel } from '../../testing/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-waiting-usage-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const { opened, closeAll, ada } = troupesOfTests()

const ask = defineTool({
  name: 'ask',
  description: 'Asks a person.',
  inputSchema: z.object({}),
  durable: true,
  execute: async (_, { ctx }) => ctx.ask({ text: 'Which?' }),
})
const usage = { inputTokens: 1_000, outputTokens: 100 }
const asks: MockItem = { toolCalls: [{ name: 'ask', args: {} }], usage }
const answers = (text: string): MockItem => ({ text, usage })
const mock = (...responses: MockItem[]) => new MockModel({ responses, provider: 'mock', modelId: 'priced' })
const prices = { 'mock/priced': { input: 1, output: 10 } }
const lead = (model: MockModel, agents: Record<string, LlmAgent> = {}) =>
  new LlmAgent({ name: 'Lead', model, agents, tools: { ask } })
const topology = (agent: LlmAgent) => solo(agent)
const answerFirst = async (run: Run, value: string) => {
  const { questions } = await run.result()
  await run.answer(questions[0]?.id ?? '', value)
}
const used = { usage: { inputTokens: 1_000, outputTokens: 100 }, cost: { usd: 0.002 } }
const usedTwice = { usage: { inputTokens: 2_000, outputTokens: 200 }, cost: { usd: 0.004 } }

describe('A run that waits', () => {
  it('A run that waits for a person shows what its step has used, in its result and in lists, also after a restart.', async () => {
    const config = { storage: `sqlite:${join(folder, 'restart.db')}`, prices }
    const first = await opened({ ...config, agents: [lead(mock())] })
    const agent = lead(mock(asks))
    const run = await first.user('ada').orchestra.start({ task: 't', topology: topology(agent) })
    expect(await run.result()).toMatchObject({ status: 'waiting', ...used })
    await closeAll()
    const { orchestra } = (await opened({ ...config, agents: [lead(mock(answers('done')))] })).user('ada')
    const resumed = await orchestra.get(run.id)
    expect(await resumed.result()).toMatchObject({ status: 'waiting', ...used })
    expect(await resumed.status()).toMatchObject({ status: 'waiting' })
    expect((await orchestra.list({ minCost: 0.001 })).items).toMatchObject([{ id: run.id }])
    const cost = (await orchestra.why(run.id)).sentences.filter(({ about }) => about === 'cost')
    expect(cost[0]?.text).toBe('It used 1100 tokens for $0.002.')
    await answerFirst(resumed, 'this one')
    expect(await resumed.result()).toMatchObject({ status: 'completed', ...usedTwice })
    expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
  })

  it('A run that waits a second time shows what both turns of its step have used.', async () => {
    const user = await ada({ prices })
    const run = await user.orchestra.start({ task: 't', topology: topology(lead(mock(asks, asks, answers('done')))) })
    await answerFirst(run, 'this one')
    expect(await run.result()).toMatchObject({ status: 'waiting', ...usedTwice })
    await answerFirst(run, 'that one')
    expect(await run.result()).toMatchObject({ status: 'completed', usage: { inputTokens: 3_000, outputTokens: 300 } })
  })

  it('A run that is cancelled while it waits shows what its step has used.', async () => {
    const user = await ada({ prices })
    const run = await user.orchestra.start({ task: 't', topology: topology(lead(mock(asks))) })
    await run.result()
    await run.cancel()
    expect(await run.result()).toMatchObject({ status: 'cancelled', ...used })
  })

  it('A run counts what a helper has used once, while the helper waits and when its step has ended.', async () => {
    const user = await ada({ prices })
    const helper = new LlmAgent({ name: 'Helper', model: mock(answers('helped')) })
    const calls: MockItem = { toolCalls: [{ name: 'helper', args: { request: 'help' } }], usage }
    const agent = lead(mock(calls, asks, answers('done')), { helper })
    const run = await user.orchestra.start({ task: 't', topology: topology(agent) })
    expect(await run.result()).toMatchObject({ status: 'waiting', usage: { inputTokens: 3_000, outputTokens: 300 } })
    await answerFirst(run, 'this one')
    expect(await run.result()).toMatchObject({ status: 'completed', usage: { inputTokens: 4_000, outputTokens: 400 } })
  })

  it('A run shows what a child run that waits has used, and charges it once.', async () => {
    const user = await ada({ prices })
    const outer = defineAgent({
      name: 'Outer',
      run: async (_, ctx) => {
        const child = await ctx.startRun({ task: 'sub', topology: topology(lead(mock(asks, answers('done')))) })
        return finish((await child.result()).status)
      },
    })
    const run = await user.orchestra.start({ task: 't', topology: solo(outer) })
    expect(await run.result()).toMatchObject({ status: 'waiting', ...used })
    await answerFirst(run, 'this one')
    expect(await run.result()).toMatchObject({ status: 'completed', ...usedTwice })
    expect(await user.orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
    const waits = (await eventsOf(run)).filter(({ type }) => type === 'child.waiting')
    expect(waits).toMatchObject([{ usage: { inputTokens: 1_000, outputTokens: 100, cost: 0.002 } }])
  })

  it('A run whose budget of tokens ends while a step waits counts the tokens of that step in its guard.', async () => {
    const user = await ada({ prices })
    const budget = { tokens: 3_000 }
    const agent = new LlmAgent({
      name: 'Lead',
      model: mock(asks, asks, asks),
      tools: { ask },
      settings: { maxOutputTokens: 100 },
    })
    const run = await user.orchestra.start({ task: 't', topology: topology(agent), config: { budget } })
    await answerFirst(run, 'one')
    await run.result().then(({ questions }) => run.answer(questions[0]?.id ?? '', 'x'.repeat(9_000)))
    const { status, guard, usage } = await run.result()
    expect([status, guard?.name, guard?.used]).toEqual(['failed', 'tokens', 2_200])
    expect(usage).toEqual({ inputTokens: 2_000, outputTokens: 200 })
  })
})
