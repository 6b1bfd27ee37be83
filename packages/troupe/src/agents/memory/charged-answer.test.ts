/** Embeddings that a step asks for are part of its usage, of its budgets and of the limits of the day. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EmbeddingModelV4 } from '@ai-sdk/provider'
import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { DocumentIndex } from '../../documents/index.ts'
import { LlmAgent } from '../../startup/llm-agent.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { defineTool, searchDocuments } from '../../tools/index.ts'
import { adaWith, clerk, scripted } from './clerk-episodes.test.fixture.ts'

const { opened } = troupesOfTests()

const tokensOfText = 1_000

function embedder(counts = true) {
  const asked: string[] = []
  const model: EmbeddingModelV4 = {
    specificationVersion: 'v4',
    provider: 'mock',
    modelId: 'vectors',
    maxEmbeddingsPerCall: 2,
    supportsParallelCalls: false,
    async doEmbed({ values }) {
      asked.push(...values)
      const usage = counts ? { usage: { tokens: tokensOfText * values.length } } : {}
      return { embeddings: values.map((text) => [text.length, 1]), ...usage, warnings: [] }
    },
  }
  return { model, asked }
}
/** One dollar for 1,000 tokens of embeddings. */
const prices = { 'mock/vectors': { input: 1_000, output: 0 }, 'mock/scripted': { input: 0, output: 0 } }
const episodes = ['a bicycle tour', 'a spare tyre', 'bread']

it('A step pays for the vectors of its notes in calls of each batch, and a replay pays nothing.', async () => {
  const { model, asked } = embedder()
  const troupe = await opened({ models: { embedding: model }, prices, agents: [clerk()] })
  const ada = await adaWith(troupe, episodes)
  const run = await ada.orchestra.start({ task: 'bicycle', agent: 'Clerk' })
  const { cost, usage } = await run.result()
  expect(cost).toEqual({ usd: 4, unknown: [] })
  expect(usage.inputTokens).toBe(4 * tokensOfText + 10)
  expect(asked).toEqual(['bicycle', ...episodes])
  expect((await ada.orchestra.verifyReplay(run.id)).identical).toBe(true)
  expect(asked).toHaveLength(4)
  const models = await ada.orchestra.usageBy('model')
  expect(models.find(({ name }) => name === 'mock/vectors')).toMatchObject({ inputTokens: 4 * tokensOfText, cost: 4 })
})

it('A step pays for new vectors alone, and names the model if its price is unknown.', async () => {
  const { model } = embedder()
  const agent = clerk({ model: scripted('noted', 'noted') })
  const { 'mock/scripted': free } = prices
  const troupe = await opened({ models: { embedding: model }, agents: [agent], prices: { 'mock/scripted': free } })
  const ada = await adaWith(troupe, ['a spare tyre'])
  const used = async () => {
    const { cost, usage } = await ada.orchestra.run({ task: 'bicycle', agent: 'Clerk' })
    return { unknown: cost.unknown, tokens: usage.inputTokens - 10 }
  }
  expect(await used()).toEqual({ unknown: ['mock/vectors'], tokens: 2 * tokensOfText })
  // The episode of the first run is the only text without a vector.
  expect(await used()).toEqual({ unknown: ['mock/vectors'], tokens: tokensOfText })
})

it('Tokens of vectors that the provider does not count are estimated from the texts.', async () => {
  const { model } = embedder(false)
  const troupe = await opened({ models: { embedding: model }, prices, agents: [clerk()] })
  const ada = await adaWith(troupe, ['x'.repeat(400)])
  const { usage } = await ada.orchestra.run({ task: 'y'.repeat(40), agent: 'Clerk' })
  expect(usage.inputTokens).toBe(10 + 100 + 10)
})

it('The budget of a run and the limit of a day count the vectors of a step.', async () => {
  const { model } = embedder()
  const agent = clerk()
  const after = new LlmAgent({ name: 'After', model: scripted('done', 'done') })
  const limits = { user: { perDay: { tokens: 7_000 } } }
  const troupe = await opened({ models: { embedding: model }, prices, limits })
  const ada = await adaWith(troupe, episodes)
  const topology = { agents: [agent, after], flows: ['Start -> Clerk', 'Clerk -> After', 'After -> End'] }
  const run = await ada.orchestra.start({ task: 'bicycle', topology, config: { budget: { cost: 3 } } })
  expect(await run.result()).toMatchObject({ status: 'failed', guard: { name: 'cost' }, cost: { usd: 4 } })
  await ada.session(after).chat('early')
  const third = clerk({ name: 'Third' })
  for (const episode of episodes) await ada.memory('Third').episodic.add(`${episode} again`)
  await ada
    .session(third)
    .chat('car')
    .catch(() => {})
  await expect(ada.session(after).chat('late')).rejects.toMatchObject({ code: 'budget.exceeded' })
})

it('A step pays for the vectors with which it searches documents and selects tools.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-charged-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'a.md'), '# Urn\n\nThe urn was burnished on Tuesday.\n')
  const index = await DocumentIndex.open({ folders: [folder] }, { base: folder })
  const search = { toolCalls: [{ name: 'search_documents', args: { query: 'Who polished my samovar?' } }] }
  const searching = new LlmAgent({
    name: 'Searching',
    model: scripted(search, 'Done.'),
    tools: [searchDocuments(index)],
  })
  const tool = (name: string) =>
    defineTool({
      name,
      description: `The tool ${name}.`,
      inputSchema: z.object({}),
      effect: 'read',
      execute: () => name,
    })
  const selecting = new LlmAgent({
    name: 'Selecting',
    model: scripted('Done.'),
    tools: [tool('first'), tool('second'), tool('third')],
    toolSelection: { by: 'similarity', limit: 2 },
  })
  const { model, asked } = embedder()
  const troupe = await opened({ models: { embedding: model }, prices, agents: [searching, selecting] })
  const { orchestra } = troupe.user('ada')
  for (const agent of ['Searching', 'Selecting']) {
    const before = asked.length
    const run = await orchestra.start({ agent, task: 'Work.' })
    expect((await run.result()).cost, agent).toEqual({ usd: asked.length - before, unknown: [] })
    expect(asked.length, agent).toBeGreaterThan(before)
    expect((await orchestra.verifyReplay(run.id)).identical, agent).toBe(true)
  }
})
