/** Reranking models over HTTP, against a server on this machine, and as objects of the AI SDK. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock'
import type { RerankingModelV4 } from '@ai-sdk/provider'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createEvents, createVirtualClock, type EventFields, seededRandom, systemClock } from '../../core/index.ts'
import { createModels, type ModelsOptions } from '../create-models.ts'
import type { Price } from '../models-port.ts'

const seen: EventFields[] = []
const events = createEvents(() => {})
events.on('model.reranked', (event) => seen.push(event))
const models = (more: Partial<ModelsOptions> = {}) =>
  createModels({ clock: systemClock, random: seededRandom(1), events, fetchTo: () => fetch, ...more })

interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: unknown
}
let replies: Reply[] = []
let asked: { readonly path: string; readonly authorization: string | undefined; readonly body: unknown }[] = []
const server = createServer((request, response) => {
  let text = ''
  request.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  request.on('end', () => {
    asked.push({ path: request.url ?? '', authorization: request.headers.authorization, body: JSON.parse(text) })
    const { status = 200, headers = {}, body } = replies.shift() as Reply
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
})
let url = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => new Promise((resolve) => server.close(resolve)))
beforeEach(() => {
  replies = []
  asked = []
})

const results = (...scores: readonly (readonly [number, number])[]) => ({
  body: { results: scores.map(([index, relevance_score]) => ({ index, relevance_score })) },
})
const texts = ['bread', 'a bicycle', 'a chain']

describe('a reranking model at a URL', () => {
  const spec = () => ({ url: `${url}/v1/`, model: 'ranker', apiKey: 'key' })

  it('A reranking model at a URL gets question, texts and key, and its ranking comes best first.', async () => {
    replies = [results([1, 0.2], [2, 0.9])]
    const answer = await models().rerank?.(spec(), 'repair', texts, { user: 'ada' })
    const { host } = new URL(url)
    expect(answer).toEqual({
      model: `${host}/ranker`,
      usage: { inputTokens: 0, outputTokens: 0 },
      ranking: [
        { index: 2, score: 0.9 },
        { index: 1, score: 0.2 },
      ],
    })
    const body = { model: 'ranker', query: 'repair', documents: texts }
    expect(asked).toEqual([{ path: '/v1/rerank', authorization: 'Bearer key', body }])
    expect(seen.at(-1)).toMatchObject({ userId: 'ada', model: `${host}/ranker`, success: true, texts: 3 })
  })

  it('A reranking model has a price by the search or by the token, as its provider counts.', async () => {
    const { host } = new URL(url)
    const costOf = async (price: Price | undefined, more: object, count = 3) => {
      replies = [{ body: { ...results([0, 1]).body, ...more } }]
      const prices = price ? { [`${host}/ranker`]: price } : {}
      const asked = Array.from({ length: count }, (_, i) => `text ${i}`)
      const { usage, cost } = (await models({ prices }).rerank?.(spec(), 'repair', asked, { user: 'ada' })) ?? {}
      expect(seen.at(-1)).toMatchObject({ inputTokens: usage?.inputTokens, ...(cost === undefined ? {} : { cost }) })
      return [usage?.inputTokens, cost]
    }
    const search = { input: 0, output: 0, search: 2 }
    expect(await costOf(search, {})).toEqual([0, 0.002])
    expect(await costOf(search, {}, 101)).toEqual([0, 0.004])
    expect(await costOf(search, { meta: { billed_units: { search_units: 5 } } })).toEqual([0, 0.01])
    const token = { input: 3, output: 0 }
    expect(await costOf(token, { usage: { total_tokens: 1_000 } })).toEqual([1_000, 0.003])
    expect(await costOf(token, { usage: 'none' })).toEqual([0, undefined])
    expect(await costOf(undefined, { usage: { total_tokens: 7 } })).toEqual([7, undefined])
  })

  it('A reranking model is not asked about no texts.', async () => {
    expect(await models().rerank?.(spec(), 'repair', [], { user: 'ada' })).toMatchObject({ ranking: [] })
    expect(asked).toEqual([])
  })

  it('A reranking model is retried after a limit and a failure, and not after a rejection.', async () => {
    const clock = createVirtualClock()
    replies = [{ status: 429, headers: { 'retry-after': '5' }, body: {} }, { status: 503, body: {} }, results([0, 1])]
    const waiting = models({ clock }).rerank?.(spec(), 'repair', texts, { user: 'ada' })
    let isDone = false
    waiting?.then(() => {
      isDone = true
    })
    while (!isDone) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      await clock.advance('1s')
    }
    expect(asked).toHaveLength(3)
    replies = [{ status: 401, body: {} }]
    await expect(models().rerank?.(spec(), 'repair', texts, { user: 'ada' })).rejects.toMatchObject({
      code: 'model.failed',
    })
    expect(asked).toHaveLength(4)
    expect(seen.at(-1)).toMatchObject({ success: false })
  })

  it.each([
    ['an index of no text', results([3, 1])],
    ['an index twice', results([1, 1], [1, 0.5])],
    ['an index that is not whole', results([0.5, 1])],
  ])('A ranking with %s is rejected.', async (_, reply) => {
    replies = [reply]
    const ranking = models().rerank?.(spec(), 'repair', texts, { user: 'ada' })
    await expect(ranking).rejects.toMatchObject({ code: 'reranking.wrong' })
  })

  it('An answer of another protocol is retried and then reported without its content.', async () => {
    replies = Array.from({ length: 2 }, () => ({ body: '{"secret": true}' }))
    const ranking = models({ attempts: 2 }).rerank?.(spec(), 'repair', texts, { user: 'ada' })
    const error = await ranking?.catch((failed: unknown) => failed)
    expect(error).toMatchObject({ code: 'model.failed' })
    expect(String(error)).not.toContain('secret')
    expect(asked).toHaveLength(2)
  })

  it('A cassette answers in place of a reranking model.', async () => {
    const played: unknown[] = []
    const recording = {
      play: async (traffic: unknown) => {
        played.push(traffic)
        return [{ index: 1, score: 1 }] as never
      },
      playStream: () => Promise.reject(new Error('no stream')),
      redactSecret: () => {},
    }
    const answer = await models({ recording }).rerank?.(spec(), 'repair', texts, { user: 'ada' })
    expect(answer).toMatchObject({ ranking: [{ index: 1, score: 1 }] })
    expect(played).toMatchObject([{ kind: 'reranking', request: { query: 'repair', texts } }])
    expect(asked).toEqual([])
  })
})

describe('a reranking model of the AI SDK', () => {
  it('A reranking model of a provider package is asked over HTTP in the form of the provider.', async () => {
    const model = createAmazonBedrock({ region: 'eu-west-1', apiKey: 'key', baseURL: url }).rerankingModel('ranker')
    replies = [{ body: { results: [{ index: 1, relevanceScore: 0.7 }] } }]
    const answer = await models().rerank?.(model as RerankingModelV4, 'repair', texts, { user: 'ada' })
    expect(answer).toMatchObject({ ranking: [{ index: 1, score: 0.7 }] })
    expect(asked).toMatchObject([{ path: '/rerank', body: { queries: [{ textQuery: { text: 'repair' } }] } }])
  })

  it('A named reranking model comes from its provider, or the reason is given why it is unavailable.', async () => {
    const model: RerankingModelV4 = {
      specificationVersion: 'v4',
      provider: 'cohere',
      modelId: 'rerank',
      doRerank: async () => ({ ranking: [{ index: 0, relevanceScore: 1 }] }),
    }
    const provider = Object.assign(() => model, { rerankingModel: () => model })
    const load = async () => ({ createCohere: () => provider, createOpenAI: () => () => model })
    const env = { COHERE_API_KEY: 'key', OPENAI_API_KEY: 'key' }
    const own = models({ load, env })
    expect(await own.rerank?.('cohere/rerank', 'a', ['b'], { user: 'u' })).toMatchObject({ model: 'cohere/rerank' })
    await expect(own.rerank?.('openai/x', 'a', ['b'], { user: 'u' })).rejects.toThrow(/openai has no reranking models/)
    await expect(own.rerank?.('offline/x', 'a', ['b'], { user: 'u' })).rejects.toThrow(/no reranking model is built in/)
    await expect(models({ load }).rerank?.('cohere/x', 'a', ['b'], { user: 'u' })).rejects.toThrow(/COHERE_API_KEY/)
  })
})

it('A call of a reranking model ends at its timeout, aborts its request, and is not repeated.', async () => {
  const clock = createVirtualClock()
  const signals: (AbortSignal | undefined)[] = []
  const model: RerankingModelV4 = {
    specificationVersion: 'v4',
    provider: 'mock.reranking',
    modelId: 'silent',
    doRerank({ abortSignal }) {
      signals.push(abortSignal)
      return new Promise(() => {})
    },
  }
  const asked = models({ clock }).rerank?.(model, 'repair', texts, { user: 'ada', timeoutMs: 2_000 })
  const error = expect(asked).rejects.toMatchObject({ code: 'timeout', details: { kind: 'model' } })
  await clock.advance('2s')
  await error
  expect(signals.map((signal) => signal?.aborted)).toEqual([true])
})
