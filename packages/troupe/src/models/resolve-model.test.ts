import { expect, it } from 'vitest'
import { createResolver, plainReveal } from './resolve-model.ts'

it('A resolver caches the models of a bounded number of names, and makes the least recently used again.', async () => {
  const made: string[] = []
  const createOpenAI = () => (modelId: string) => {
    made.push(modelId)
    return { specificationVersion: 'v4', provider: 'openai', modelId }
  }
  const resolver = createResolver({
    env: { OPENAI_API_KEY: 'key' },
    load: async () => ({ createOpenAI }) as never,
    installed: () => true,
    reveal: plainReveal,
    fetchTo: undefined,
    evaluator: undefined,
  })
  for (let i = 0; i <= 1_000; i++) await resolver.resolve(`openai/m${i}`)
  await resolver.resolve('openai/m1000')
  expect(made).toHaveLength(1_001)
  await resolver.resolve('openai/m0')
  expect(made.slice(1_001)).toEqual(['m0'])
})

it('A resolver converts embedding and reranking models of AI SDK 6, and rejects those of AI SDK 5.', async () => {
  const resolver = createResolver({
    env: {},
    load: () => Promise.reject(new Error('nothing is loaded')),
    installed: () => false,
    reveal: plainReveal,
    fetchTo: undefined,
    evaluator: undefined,
  })
  const of = (version: string, more: object) =>
    ({ specificationVersion: version, provider: 'own', modelId: 'one', ...more }) as never
  const doEmbed = async () => ({ embeddings: [[1, 2]], warnings: [] })
  const embedding = await resolver.resolveEmbedding(of('v3', { doEmbed, maxEmbeddingsPerCall: 5 }))
  expect(embedding).toMatchObject({ specificationVersion: 'v4', modelId: 'one', maxEmbeddingsPerCall: 5 })
  expect(await embedding.doEmbed({ values: ['x'] })).toMatchObject({ embeddings: [[1, 2]] })
  const doRerank = async () => ({ ranking: [{ index: 0, relevanceScore: 1 }] })
  const reranking = await resolver.resolveReranking(of('v3', { doRerank }))
  const documents = { type: 'text' as const, values: ['x'] }
  expect(await reranking.doRerank({ query: 'x', documents })).toEqual(await doRerank())
  for (const resolve of [resolver.resolve, resolver.resolveEmbedding, resolver.resolveReranking])
    await expect(resolve(of('v2', {}))).rejects.toThrow('own/one: it has the specification v2, not v4 or v3')
})
