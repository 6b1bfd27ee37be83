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
