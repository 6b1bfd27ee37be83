import type { EmbeddingModelV4 } from '@ai-sdk/provider'
import { expect, it } from 'vitest'
import { createVirtualClock } from '../../core/index.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { adaWith, clerk } from './clerk-episodes.test.fixture.ts'

const { opened } = troupesOfTests()

it('A step whose embedding model does not answer within `timeouts.model` of the run compares words.', async () => {
  const clock = createVirtualClock()
  let asked = 0
  const silent: EmbeddingModelV4 = {
    specificationVersion: 'v4',
    provider: 'mock',
    modelId: 'silent',
    maxEmbeddingsPerCall: 100,
    supportsParallelCalls: false,
    doEmbed() {
      asked++
      return new Promise(() => {})
    },
  }
  const troupe = await opened({ clock, models: { embedding: silent }, agents: [clerk()] })
  const ada = await adaWith(troupe, ['a bicycle tour', 'bread'])
  const run = await ada.orchestra.start({ task: 'bicycle', agent: 'Clerk', config: { timeouts: { model: '2s' } } })
  let ended = false
  const result = run.result().finally(() => {
    ended = true
  })
  while (!ended) await clock.advance('1s')
  expect((await result).status).toBe('completed')
  expect(asked).toBe(1)
})
