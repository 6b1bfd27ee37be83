/** The pauses that providers ask for, also where they are zero, absurd or part of a failure. */
import type { EmbeddingModelV4, RerankingModelV4 } from '@ai-sdk/provider'
import { expect, it } from 'vitest'
import { createEvents, createVirtualClock, seededRandom, TroupeError } from '../core/index.ts'
import { MockModel } from '../testing/index.ts'
import { createModels } from './create-models.ts'
import { verdictOf } from './model-failure.ts'

const apiError = (statusCode: number, retryAfter: string) =>
  Object.assign(new Error(`HTTP ${statusCode}`), { statusCode, responseHeaders: { 'retry-after': retryAfter } })
const afterMs = (status: number, retryAfter: string) => verdictOf(apiError(status, retryAfter), 0)

/** @returns the pauses before each call of the model, in ms, and the text or the code of the error */
async function pausesOf(...responses: ConstructorParameters<typeof MockModel>[0]['responses'][]) {
  const clock = createVirtualClock()
  const pauses: number[] = []
  const events = createEvents(() => {})
  events.on('model.retried', ({ pauseMs }) => void pauses.push(pauseMs))
  const model = new MockModel({ responses: responses.flat() as never })
  const models = createModels({ clock, random: seededRandom(1), events })
  const asked = models
    .call([model], { user: 'u', prompt: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }] })
    .catch((error: unknown) => error)
  for (let i = 0; i < 20; i++) await clock.advance('10s')
  const outcome = await asked
  return { pauses, code: outcome instanceof TroupeError ? outcome.code : undefined, calls: model.calls.length }
}

it('A model call that failed is repeated no earlier than the provider asks.', async () => {
  const { pauses, code } = await pausesOf([apiError(503, '20'), apiError(529, '30'), 'up again'])
  expect(pauses).toEqual([20_000, 30_000])
  expect(code).toBeUndefined()
})

it('A model call that failed is not repeated if the provider asks for more than a minute.', async () => {
  expect(await pausesOf([apiError(503, '61'), 'never'])).toEqual({ pauses: [], code: 'model.failed', calls: 1 })
})

it('A model call waits before it is repeated if a rate limit asks for no pause.', async () => {
  for (const none of ['0', '', '-5']) {
    const { pauses } = await pausesOf([apiError(429, none), apiError(429, none), 'at last'])
    expect(pauses).toHaveLength(2)
    expect(Math.min(...pauses)).toBeGreaterThan(100)
  }
})

/** @returns the ms after which an embedding and a reranking model are asked, and the code of each error */
async function timesOf(statuses: readonly (readonly [status: number, retryAfter: string])[]) {
  const clock = createVirtualClock()
  const models = createModels({ clock, random: seededRandom(1), events: createEvents(() => {}) })
  const times: Record<'embedding' | 'reranking', number[]> = { embedding: [], reranking: [] }
  const called = <Out>(kind: keyof typeof times, answer: Out) => {
    const failing = statuses[times[kind].push(clock.monotonic()) - 1]
    return failing ? Promise.reject(apiError(...failing)) : Promise.resolve(answer)
  }
  const common = { specificationVersion: 'v4', provider: 'test' } as const
  const embedding: EmbeddingModelV4 = {
    ...common,
    modelId: 'embedding',
    maxEmbeddingsPerCall: 100,
    supportsParallelCalls: true,
    doEmbed: () => called('embedding', { embeddings: [[1, 0]], warnings: [] }),
  }
  const reranking: RerankingModelV4 = {
    ...common,
    modelId: 'reranking',
    doRerank: () => called('reranking', { ranking: [{ index: 0, relevanceScore: 1 }] }),
  }
  const began = clock.monotonic()
  const codes = [
    models.embed(embedding, ['bread'], { user: 'u' }),
    models.rerank?.(reranking, 'food', ['bread'], { user: 'u' }),
  ].map((asked) => asked?.then(() => undefined).catch((error: unknown) => (error as TroupeError).code))
  for (let i = 0; i < 40; i++) await clock.advance('10s')
  const since = (all: readonly number[]) => all.map((at) => at - began)
  return { embedding: since(times.embedding), reranking: since(times.reranking), codes: await Promise.all(codes) }
}

it('A call of an embedding or reranking model is repeated no earlier than the provider asks.', async () => {
  for (const status of [429, 503]) {
    const { embedding, reranking, codes } = await timesOf([
      [status, '20'],
      [status, '30'],
    ])
    expect(codes).toEqual([undefined, undefined])
    for (const times of [embedding, reranking]) expect(times).toEqual([0, 20_000, 50_000])
  }
})

it('A call of an embedding or reranking model is not repeated if the provider asks for more than a minute.', async () => {
  const { embedding, reranking, codes } = await timesOf([[503, '61']])
  expect([embedding, reranking]).toEqual([[0], [0]])
  expect(codes).toEqual(['model.failed', 'model.failed'])
})

it('verdictOf reads a pause as an hour at most, so that one wrong header does not disable a model.', () => {
  const hour = 3_600_000
  for (const status of [429, 503]) {
    expect(afterMs(status, '99999999999')).toMatchObject({ afterMs: hour })
    expect(afterMs(status, 'Fri, 31 Dec 9999 23:59:59 GMT')).toMatchObject({ afterMs: hour })
    expect(afterMs(status, '120')).toMatchObject({ afterMs: 120_000 })
    expect(afterMs(status, 'soon')).toMatchObject({ afterMs: undefined })
  }
})

it('verdictOf reads the pause that Google asks for in the body of an answer, unless a header has one.', () => {
  const info = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.5s' }
  const limited = { error: { code: 429, message: 'Quota exceeded.', status: 'RESOURCE_EXHAUSTED', details: [info] } }
  const afterBody = (responseBody: string, responseHeaders = {}) =>
    verdictOf(Object.assign(new Error('limited'), { statusCode: 429, responseBody, responseHeaders }), 0)
  expect(afterBody(JSON.stringify(limited))).toEqual({ kind: 'limited', afterMs: 34_500 })
  // Its endpoint for packages of OpenAI answers with a list.
  expect(afterBody(JSON.stringify([limited], undefined, 2))).toMatchObject({ afterMs: 34_500 })
  expect(afterBody(JSON.stringify(limited), { 'retry-after': '2' })).toMatchObject({ afterMs: 2_000 })
  for (const none of ['', '{"error":{"message":"retryDelay: 3s"}}', '{"retryDelay":"soon"}'])
    expect(afterBody(none)).toEqual({ kind: 'limited', afterMs: undefined })
})
