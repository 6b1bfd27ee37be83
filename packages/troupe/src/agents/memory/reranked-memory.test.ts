/** Memories in the order of a reranking model. */
import type { RerankingModelV4 } from '@ai-sdk/provider'
import { expect, it } from 'vitest'
import { LlmAgent } from '../../startup/llm-agent.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { adaWith, clerk, scripted } from './clerk-episodes.test.fixture.ts'

const { opened } = troupesOfTests()

function ranker(fails = false) {
  const asked: { readonly query: string; readonly texts: readonly string[] }[] = []
  const model: RerankingModelV4 = {
    specificationVersion: 'v4',
    provider: 'mock',
    modelId: 'ranker',
    async doRerank({ query, documents }) {
      if (fails) throw Object.assign(new Error('down'), { statusCode: 401 })
      const texts = documents.values as string[]
      asked.push({ query, texts })
      return { ranking: texts.map((text, index) => ({ index, relevanceScore: text.includes('spare') ? 0.9 : 0.1 })) }
    },
  }
  return { model, asked }
}
const episodes = ['a bicycle tour to the lake', 'the bicycle has a spare tyre', 'bread with butter']

it('Episodes are in the order of the reranking model, which reads only what the search has found.', async () => {
  const { model, asked } = ranker()
  const troupe = await opened({ models: { reranking: model } })
  const { episodic } = (await adaWith(troupe, episodes)).memory('Clerk')
  const found = await episodic.retrieveSimilar('my bicycle')
  expect(found.map(({ content, score, reranking }) => [content, score, reranking])).toEqual([
    ['the bicycle has a spare tyre', 0.9, 'mock/ranker'],
    ['a bicycle tour to the lake', 0.1, 'mock/ranker'],
  ])
  expect(asked).toEqual([{ query: 'my bicycle', texts: expect.arrayContaining(episodes.slice(0, 2)) as string[] }])
  expect(asked[0]?.texts).toHaveLength(2)
})

it('Episodes keep the order of the search while the reranking model fails.', async () => {
  const troupe = await opened({ models: { reranking: ranker(true).model } })
  const { episodic } = (await adaWith(troupe, episodes)).memory('Clerk')
  const found = await episodic.retrieveSimilar('my bicycle')
  expect(found).toHaveLength(2)
  expect(found[0]).not.toHaveProperty('reranking')
})

it('A step records the notes that a reranking model ordered, so that a replay does not ask it.', async () => {
  const { model, asked } = ranker()
  const agent = clerk({ instructions: 'Help.' })
  const troupe = await opened({ models: { reranking: model }, agents: [agent] })
  const ada = await adaWith(troupe, episodes)
  const topology = { agents: [agent], flows: ['Start -> Clerk', 'Clerk -> End'] }
  const run = await ada.orchestra.start({ task: 'bicycle', topology })
  await run.result()
  const [prompt] = await ada.orchestra.prompts(run.id, '1#1')
  expect(JSON.stringify(prompt)).toContain('the bicycle has a spare tyre')
  expect(JSON.stringify(prompt)).not.toContain('to the lake')
  expect(asked).toHaveLength(1)
})

it('A step pays for the reranking of its notes, and a replay pays nothing.', async () => {
  const { model, asked } = ranker()
  const prices = { 'mock/ranker': { input: 0, output: 0, search: 2_000 }, 'mock/scripted': { input: 0, output: 0 } }
  const agent = clerk()
  const troupe = await opened({ models: { reranking: model }, prices, agents: [agent] })
  const ada = await adaWith(troupe, episodes)
  const costs: unknown[] = []
  troupe.on('model.reranked', ({ cost }) => costs.push(cost))
  const run = await ada.orchestra.start({ task: 'bicycle', agent: 'Clerk' })
  expect((await run.result()).cost).toEqual({ usd: 2, unknown: [] })
  expect(costs).toEqual([2])
  expect(asked).toHaveLength(1)
  expect((await ada.orchestra.verifyReplay(run.id)).identical).toBe(true)
})

it('The cost budget of a run counts the reranking of its notes.', async () => {
  const { model } = ranker()
  const prices = { 'mock/ranker': { input: 0, output: 0, search: 2_000 }, 'mock/scripted': { input: 1, output: 1 } }
  const agent = clerk()
  const troupe = await opened({ models: { reranking: model }, prices })
  const ada = await adaWith(troupe, episodes)
  const after = new LlmAgent({ name: 'After', model: scripted('done') })
  const topology = { agents: [agent, after], flows: ['Start -> Clerk', 'Clerk -> After', 'After -> End'] }
  const run = await ada.orchestra.start({ task: 'bicycle', topology, config: { budget: { cost: 1 } } })
  expect(await run.result()).toMatchObject({
    status: 'failed',
    guard: { name: 'cost' },
    cost: { usd: expect.closeTo(2, 1) },
  })
})

it('A step that is executed again after a wait pays for its reranking once, in its cost and in the budget.', async () => {
  const { model, asked } = ranker()
  const prices = { 'mock/ranker': { input: 0, output: 0, search: 2_000 }, 'mock/scripted': { input: 1, output: 1 } }
  const agent = clerk({
    guardrails: { output: [{ name: 'never', check: () => ({ pass: false, reason: 'no' }), onTrip: 'ask' }] },
  })
  const after = new LlmAgent({ name: 'After', model: scripted('done') })
  const troupe = await opened({ models: { reranking: model }, prices })
  const ada = await adaWith(troupe, episodes)
  const topology = { agents: [agent, after], flows: ['Start -> Clerk', 'Clerk -> After', 'After -> End'] }
  const run = await ada.orchestra.start({ task: 'bicycle', topology, config: { budget: { cost: 3 } } })
  const { questions } = await run.result()
  await run.answer(questions[0]?.id ?? '', true)
  expect(await run.result()).toMatchObject({ status: 'completed', cost: { usd: expect.closeTo(2, 1) } })
  expect(asked).toHaveLength(1)
})
