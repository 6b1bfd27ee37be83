import type { EmbeddingModelV4, EmbeddingModelV4CallOptions } from '@ai-sdk/provider'
import { describe, expect, it } from 'vitest'
import {
  createEvents,
  createVirtualClock,
  type EventFields,
  seededRandom,
  systemClock,
  type UserId,
} from '../../core/index.ts'
import { createModels, type ModelsOptions } from '../create-models.ts'
import { cosineSimilarity } from './embeddings.ts'

const seen: EventFields[] = []
const events = createEvents(() => {})
events.on('model.embedded', (event) => seen.push(event))
const models = (more: Partial<ModelsOptions> = {}) =>
  createModels({ clock: systemClock, random: seededRandom(1), events, ...more })

/** Turns a text into the numbers of its words. */
function counting(answer?: (call: number, options: EmbeddingModelV4CallOptions) => unknown, maxPerCall = 3) {
  const asked: string[][] = []
  const model: EmbeddingModelV4 = {
    specificationVersion: 'v4',
    provider: 'mock.embedding',
    modelId: 'counting',
    maxEmbeddingsPerCall: maxPerCall,
    supportsParallelCalls: true,
    async doEmbed(options) {
      asked.push(options.values)
      const own = (await answer?.(asked.length, options)) as number[][] | undefined
      const vectors = options.values.map((text) => ['a', 'b', 'c'].map((word) => text.split(word).length - 1))
      return { embeddings: own ?? vectors, usage: { tokens: options.values.length }, warnings: [] }
    },
  }
  return { model, asked }
}
const embed = (own: ReturnType<typeof models>, model: EmbeddingModelV4, texts: readonly string[], user = 'u') =>
  own.embed(model, texts, { user })

describe('vectors of texts', () => {
  it('The vectors of texts have length one, come in order and in batches, and are requested once for each user.', async () => {
    const own = models({ prices: { 'mock/counting': { input: 2, output: 0 } } })
    const { model, asked } = counting()
    const { vectors, model: name } = await embed(own, model, ['a', 'b', 'aab', 'a', 'c', 'ab'])
    expect([name, vectors.length]).toEqual(['mock/counting', 6])
    expect(asked.map(({ length }) => length)).toEqual([3, 2])
    const [a, b, aab] = vectors as [Float32Array, Float32Array, Float32Array]
    expect([cosineSimilarity(a, a), cosineSimilarity(a, b)]).toEqual([1, 0])
    expect(cosineSimilarity(a, aab)).toBeCloseTo(2 / Math.sqrt(5), 6)
    await embed(own, model, ['c', 'a'])
    expect(asked).toHaveLength(2)
    await embed(own, model, ['a'], 'other')
    expect(asked).toHaveLength(3)
    expect(seen.at(-1)).toMatchObject({ success: true, texts: 1, inputTokens: 1, cost: 2e-6 })
  })

  it('The vectors of texts of an erased user are forgotten, and those of others remain.', async () => {
    const own = models()
    const { model, asked } = counting()
    await embed(own, model, ['a'])
    await embed(own, model, ['a'], 'other')
    own.forget?.('u' as UserId)
    await embed(own, model, ['a'], 'other')
    expect(asked).toHaveLength(2)
    await embed(own, model, ['a'])
    expect(asked).toHaveLength(3)
  })

  it('The vectors of texts are rejected if their dimension, type or number is wrong.', async () => {
    const wrong = (answer: unknown) => {
      const own = models()
      return embed(own, counting().model, ['a']).then(() => embed(own, counting(() => answer).model, ['b']))
    }
    await expect(wrong([[1, 2]])).rejects.toMatchObject({
      code: 'embedding.wrong',
      message: expect.stringMatching(/2 dimensions.*3/) as string,
    })
    await expect(wrong([[1, Number.NaN, 2]])).rejects.toMatchObject({ code: 'embedding.wrong' })
    await expect(wrong([['1', 2, 3]])).rejects.toMatchObject({ code: 'embedding.wrong' })
    await expect(wrong([])).rejects.toMatchObject({ code: 'embedding.wrong' })
    await expect(wrong('none')).rejects.toMatchObject({ code: 'embedding.wrong' })
  })

  it('The vectors of texts are requested again after a limit and a failure, and not after a rejection.', async () => {
    const clock = createVirtualClock()
    const failing = (...codes: readonly number[]) =>
      counting((call) => {
        const statusCode = codes[call - 1]
        if (statusCode) throw Object.assign(new Error('no'), { statusCode, responseHeaders: { 'retry-after': '5' } })
      })
    const ask = async (model: EmbeddingModelV4) => {
      const asked = embed(models({ clock }), model, ['a']).catch((error: unknown) => error)
      for (let i = 0; i < 4; i++) await clock.advance('5s')
      return asked
    }
    const retried = failing(429, 500)
    expect(await ask(retried.model)).toMatchObject({ model: 'mock/counting' })
    expect(retried.asked).toHaveLength(3)
    expect(await ask(failing(500, 500, 500).model)).toMatchObject({ code: 'model.failed' })
    const rejected = failing(401)
    expect(await ask(rejected.model)).toMatchObject({ code: 'model.failed' })
    expect(rejected.asked).toHaveLength(1)
  })

  it('The vectors of texts are rejected at once by an open circuit and a long pause, with the error of the limit.', async () => {
    const clock = createVirtualClock()
    const failing = (statusCode: number) =>
      counting(() => {
        throw Object.assign(new Error('no'), { statusCode, responseHeaders: { 'retry-after': '90' } })
      })
    const own = models({ clock, breaker: { failures: 1 }, attempts: 1 })
    const down = failing(500)
    await expect(embed(own, down.model, ['a'])).rejects.toMatchObject({ code: 'model.failed' })
    await expect(embed(own, down.model, ['a'])).rejects.toMatchObject({ code: 'model.circuit_open' })
    expect(down.asked).toHaveLength(1)
    const limited = failing(429)
    const asked = embed(models({ clock }), limited.model, ['a']).catch((error: unknown) => error)
    for (let i = 0; i < 4; i++) await clock.advance('1s')
    expect(await asked).toMatchObject({ code: 'model.limited' })
    expect(limited.asked).toHaveLength(1)
  })

  it('A request for vectors of texts ends when the caller cancels, also if the model ignores its signal.', async () => {
    const cancelling = new AbortController()
    const { model } = counting(() => {
      queueMicrotask(() => cancelling.abort())
      return new Promise(() => {})
    })
    const asked = models().embed(model, ['a'], { user: 'u', signal: cancelling.signal })
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('The vectors of texts fail without the secrets of the provider, whatever it throws.', async () => {
    const failing = (thrown: unknown) => counting(() => Promise.reject(thrown)).model
    const own = models({ redact: (text) => text.replaceAll('sk-1234', '[redacted]') })
    const rejected = Object.assign(new Error('The key sk-1234 is not valid.'), { statusCode: 401 })
    await expect(embed(own, failing(rejected), ['a'])).rejects.toMatchObject({
      code: 'model.failed',
      message: 'The model mock/counting failed after 1 attempt: The key [redacted] is not valid.',
    })
    for (const thrown of [null, undefined, 'no', Object.assign(new Error('no'), { code: 'ERR_OTHER' })])
      await expect(embed(own, failing(thrown), ['a'])).rejects.toMatchObject({ code: 'model.failed' })
  })

  it('The vectors of texts come from a named model, or the reason is given why it is unavailable.', async () => {
    const { model } = counting()
    const load = async () => ({ createOpenAI: () => Object.assign(() => model, { embeddingModel: () => model }) })
    const own = models({ load, env: { OPENAI_API_KEY: 'key' } })
    expect(await own.embed('openai/text-embedding-3-small', ['a'], { user: 'u' })).toMatchObject({
      model: 'openai/text-embedding-3-small',
    })
    await expect(own.embed('offline/extractive', ['a'], { user: 'u' })).rejects.toThrow(/similarity is lexical/)
    await expect(models({ load }).embed('openai/x', ['a'], { user: 'u' })).rejects.toThrow(/OPENAI_API_KEY/)
  })
})

it('A call of an embedding model ends at its timeout, aborts its request, and is not repeated.', async () => {
  const clock = createVirtualClock()
  const signals: (AbortSignal | undefined)[] = []
  const { model } = counting((_, { abortSignal }) => {
    signals.push(abortSignal)
    return new Promise(() => {})
  })
  const asked = models({ clock }).embed(model, ['a'], { user: 'u', timeoutMs: 2_000 })
  const error = expect(asked).rejects.toMatchObject({ code: 'timeout', details: { kind: 'model' } })
  await clock.advance('2s')
  await error
  expect(signals.map((signal) => signal?.aborted)).toEqual([true])
})
