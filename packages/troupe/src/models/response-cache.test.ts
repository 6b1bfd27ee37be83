import type { LanguageModelV4 } from '@ai-sdk/provider'
import { expect, it } from 'vitest'
import { createEvents, createVirtualClock, seededRandom, systemClock } from '../core/index.ts'
import { createModels } from './create-models.ts'
import type { ModelCall } from './models-port.ts'

it('The cache of answers gives an answer that a budget has truncated to no call that waits for it.', async () => {
  const released = Promise.withResolvers<void>()
  const model: LanguageModelV4 = {
    specificationVersion: 'v4',
    provider: 'mock',
    modelId: 'truncated',
    supportedUrls: {},
    async doGenerate({ maxOutputTokens }) {
      await released.promise
      const isCut = maxOutputTokens !== undefined
      return {
        content: [{ type: 'text', text: isCut ? 'half' : 'whole' }],
        finishReason: { unified: isCut ? 'length' : 'stop', raw: undefined },
        usage: {
          inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
          outputTokens: { total: 1, text: 1, reasoning: 0 },
        },
        warnings: [],
      }
    },
    doStream: () => Promise.reject(new Error('it is not streamed')),
  }
  const models = createModels({ clock: systemClock, random: seededRandom(1), events: createEvents(() => {}) })
  const call: ModelCall = { user: 'u', cache: true, prompt: [{ role: 'user', content: [{ type: 'text', text: 'a' }] }] }
  const truncated = models.call([model], { ...call, tokensLeft: 2 })
  const waiting = models.call([model], call)
  released.resolve()
  expect(await truncated).toMatchObject({ finish: 'length', content: [{ text: 'half' }] })
  expect(await waiting).toMatchObject({ finish: 'stop', content: [{ text: 'whole' }] })
  expect(await models.call([model], call)).toMatchObject({ cached: true, content: [{ text: 'whole' }] })
})

it('The cache of answers lets a call wait for an equal one no longer than for its own model, nor after its cancellation.', {
  timeout: 20_000,
}, async () => {
  const clock = createVirtualClock()
  let asked = 0
  const model = {
    specificationVersion: 'v4',
    provider: 'mock',
    modelId: 'hangs',
    supportedUrls: {},
    doGenerate: () => {
      asked++
      return new Promise<never>(() => {})
    },
    doStream: () => Promise.reject(new Error('it is not streamed')),
  } as const satisfies LanguageModelV4
  const models = createModels({ clock, random: seededRandom(1), events: createEvents(() => {}) })
  const call: ModelCall = { user: 'u', cache: true, prompt: [{ role: 'user', content: [{ type: 'text', text: 'a' }] }] }
  const first = models.call([model], call)
  const controller = new AbortController()
  const cancelled = models.call([model], { ...call, signal: controller.signal })
  const limited = models.call([model], { ...call, timeoutMs: 1_000 })
  const rejected = expect(limited).rejects.toMatchObject({ code: 'timeout' })
  controller.abort()
  await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' })
  for (let i = 0; i < 3; i++) await clock.advance('1s')
  await rejected
  expect(asked).toBe(2)
  void first
})
