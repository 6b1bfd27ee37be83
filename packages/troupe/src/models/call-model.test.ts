import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { LanguageModelV4 } from '@ai-sdk/provider'
import { afterEach, describe, expect, it } from 'vitest'
import { createEvents, createVirtualClock, type EventFields, seededRandom, systemClock } from '../core/index.ts'
import { MockModel } from '../testing/index.ts'
import { readAnswerParts, readUsage } from './answers/read-answer.ts'
import { createModels, type ModelsOptions } from './create-models.ts'
import type { LivePart, ModelCall } from './models-port.ts'

const events: EventFields[] = []
const bus = createEvents(() => {})
bus.on('model.called', (event) => events.push(event))
const models = (more: Partial<ModelsOptions> = {}) =>
  createModels({ clock: systemClock, random: seededRandom(1), events: bus, ...more })
const call = (text: string, more: Partial<ModelCall> = {}): ModelCall => ({
  user: 'u',
  prompt: [{ role: 'user', content: [{ type: 'text', text }] }],
  ...more,
})
const apiError = (statusCode: number, responseHeaders = {}) =>
  Object.assign(new Error(`HTTP ${statusCode}`), {
    statusCode,
    responseHeaders,
    isRetryable: statusCode === 429 || statusCode >= 500,
  })
interface Answer {
  readonly content: readonly { readonly type: string }[]
}
const textOf = (answer: Answer) => answer.content.map((part) => ('text' in part ? part.text : '')).join('')
/** Lets a call go on whose pauses are of the virtual clock. */
async function through<T>(promise: Promise<T>, clock: ReturnType<typeof createVirtualClock>): Promise<T> {
  promise.catch(() => {})
  for (let i = 0; i < 10; i++) await clock.advance('10s')
  return promise
}

const servers: { close(): void }[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})
/** Speaks just enough of the OpenAI chat protocol. */
async function server(answers: readonly ((response: ServerResponse, body: { stream?: boolean }) => void)[]) {
  let n = 0
  const made = createServer((request, response) => {
    let body = ''
    request.on('data', (data) => {
      body += data
    })
    request.on('end', () => answers[Math.min(n++, answers.length - 1)]?.(response, JSON.parse(body)))
  })
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
  servers.push({
    close() {
      made.closeAllConnections()
      made.close()
    },
  })
  return { url: `http://127.0.0.1:${(made.address() as AddressInfo).port}/v1`, count: () => n }
}
const base = { id: 'c', created: 1, model: 'test' }
const complete = (text: string) => (response: ServerResponse) =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end(
    JSON.stringify({
      ...base,
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
    }),
  )
const streamed =
  (text: string, cut = false) =>
  (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const send = (choices: unknown[], more = {}) =>
      response.write(`data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices, ...more })}\n\n`)
    for (const content of text.match(/\S+\s*/g) ?? [])
      send([{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }])
    if (cut) return void systemClock.after(10, () => response.destroy())
    send([{ index: 0, delta: {}, finish_reason: 'stop' }])
    send([], { usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } })
    response.end('data: [DONE]\n\n')
  }
const status =
  (code: number, headers = {}) =>
  (response: ServerResponse) =>
    void response
      .writeHead(code, { 'content-type': 'application/json', ...headers })
      .end('{"error":{"message":"no","type":"x"}}')

describe('a model behind an OpenAI-compatible URL', () => {
  it('A model behind an OpenAI-compatible URL answers with its text, usage and name.', async () => {
    const { url } = await server([complete('hello')])
    const answer = await models().call([{ url, model: 'test', apiKey: 'k' }], call('hi'))
    expect(answer).toMatchObject({ usage: { inputTokens: 7, outputTokens: 3 }, finish: 'stop' })
    expect(textOf(answer)).toBe('hello')
    expect(answer.cost).toBeUndefined()
  })

  it('A model call waits as long as a 429 asks, and is repeated.', async () => {
    const { url, count } = await server([status(429, { 'retry-after': '1' }), complete('at last')])
    const began = performance.now()
    expect(textOf(await models().call([{ url, model: 'test' }], call('hi')))).toBe('at last')
    expect(performance.now() - began).toBeGreaterThan(990)
    expect(count()).toBe(2)
  })

  it('A model call is streamed if it has a listener, and a repeated text is emitted only once.', async () => {
    const { url } = await server([streamed('one two', true), streamed('one two three')])
    const parts: LivePart[] = []
    const answer = await models().call([{ url, model: 'test' }], call('hi', { onPart: (part) => parts.push(part) }))
    expect(textOf(answer)).toBe('one two three')
    expect(parts.map((part) => (part.type === 'text-delta' ? part.delta : part.type)).join('')).toBe('one two three')
    expect(answer.usage).toEqual({ inputTokens: 7, outputTokens: 3 })
  })

  it('A model call emits a reset if another attempt gives another text.', async () => {
    const { url } = await server([streamed('one two', true), streamed('other words')])
    const parts: LivePart[] = []
    await models().call([{ url, model: 'test' }], call('hi', { onPart: (part) => parts.push(part) }))
    const reset = parts.findIndex((part) => part.type === 'reset')
    expect(
      parts
        .slice(reset + 1)
        .map((part) => ('delta' in part ? part.delta : ''))
        .join(''),
    ).toBe('other words')
  })

  it('A model call emits a reset if the attempt that answers has less text.', async () => {
    const { url } = await server([streamed('one two', true), streamed('one ')])
    const parts: LivePart[] = []
    await models().call([{ url, model: 'test' }], call('hi', { onPart: (part) => parts.push(part) }))
    expect(parts.slice(-2)).toMatchObject([{ type: 'reset' }, { type: 'text-delta', delta: 'one ' }])
  })

  it('A model call fails with an ExternalServiceError if the answer is not JSON.', async () => {
    const { url } = await server([
      (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"oops'),
    ])
    await expect(models().call([{ url, model: 'test' }], call('hi'))).rejects.toMatchObject({
      name: 'ExternalServiceError',
    })
  })
})

describe('a chain of models', () => {
  it('A chain of models does not repeat a call that cannot succeed.', async () => {
    for (const code of [400, 401, 403]) {
      const model = new MockModel({ responses: [apiError(code), 'never'] })
      await expect(models().call([model], call('hi'))).rejects.toMatchObject({ code: 'model.rejected' })
      expect(model.calls).toHaveLength(1)
    }
  })

  it('A chain of models tries a failing model a few times, then the next, and reports the fallback.', async () => {
    const clock = createVirtualClock()
    const first = new MockModel({
      responses: [apiError(500), apiError(503), new TypeError('fetch failed'), 'never'],
      modelId: 'first',
    })
    const second = new MockModel({ responses: ['from the second'], modelId: 'second' })
    const answer = await through(models({ clock }).call([first, second], call('hi')), clock)
    expect(answer).toMatchObject({
      model: 'mock/second',
      fallback: { from: 'mock/first', to: 'mock/second', reason: expect.stringMatching(/3 attempts/) } as object,
    })
    expect(first.calls).toHaveLength(3)
  })

  it('A chain of models does not repeat a defect that is not a network failure.', async () => {
    const model = new MockModel({ responses: [new Error('x is not a function'), 'never'] })
    await expect(models().call([model], call('hi'))).rejects.toThrow(/x is not a function/)
    expect(model.calls).toHaveLength(1)
  })

  it('A model that throws a value that is not an Error fails with a typed error, streamed or not.', async () => {
    for (const [thrown, problem] of [
      [null, 'thrown: null'],
      [undefined, 'thrown: undefined'],
      ['no luck', 'thrown: no luck'],
      [Symbol('odd'), 'thrown: Symbol(odd)'],
      [new Proxy({}, { getPrototypeOf: () => Reflect.ownKeys(null as never) as never }), 'cannot be read'],
    ] as const) {
      const throws = () => Promise.reject(thrown)
      const named = { specificationVersion: 'v4', provider: 'p', modelId: 'm', supportedUrls: {} } as const
      const model: LanguageModelV4 = { ...named, doGenerate: throws, doStream: throws }
      for (const more of [{}, { onPart: () => {} }])
        await expect(models().call([model], call('x', more))).rejects.toMatchObject({
          code: 'model.failed',
          message: expect.stringContaining(problem),
        })
    }
  })

  it('A chain of models skips a provider that asks for too long a pause, and bounds repeated short pauses.', async () => {
    const clock = createVirtualClock()
    const long = new MockModel({ responses: [apiError(429, { 'retry-after': '3600' })] })
    await expect(models({ clock }).call([long], call('hi'))).rejects.toMatchObject({
      code: 'model.limited',
      name: 'RateLimitError',
    })
    const forever = new MockModel({
      responses: Array.from({ length: 50 }, () => apiError(429, { 'retry-after': '1' })),
    })
    await expect(through(models({ clock }).call([forever], call('hi')), clock)).rejects.toMatchObject({
      code: 'model.limited',
    })
    expect(forever.calls.length).toBeLessThan(10)
  })

  it('A model call is bounded by its timeout, and a hanging model is not asked again.', async () => {
    const clock = createVirtualClock()
    const model = new MockModel({ responses: [{ text: 'late', latency: '1h' }, 'never'], clock })
    const asked = models({ clock }).call([model], call('hi', { timeoutMs: 300 }))
    asked.catch(() => {})
    await clock.advance('1s')
    await expect(asked).rejects.toMatchObject({
      name: 'TimeoutError',
      message: expect.stringMatching(/model timeout of 300ms/),
    })
    expect(model.calls).toHaveLength(1)
  })

  it('A circuit breaker opens after repeated failures of a model, separately in each troupe.', async () => {
    const clock = createVirtualClock()
    const own = models({ clock })
    const model = new MockModel({ responses: [...Array.from({ length: 8 }, () => apiError(500)), 'back'] })
    const ask = async (asked = own) => {
      const answer = asked.call([model], call('hi')).catch((error: unknown) => error)
      await clock.advance('5s')
      return answer
    }
    await ask()
    expect(await ask()).toMatchObject({ code: 'model.circuit_open' })
    const message = expect.stringMatching(/allowed in 5\d s\.$/)
    expect(await ask()).toMatchObject({ code: 'model.circuit_open', message })
    expect(model.calls).toHaveLength(5)
    expect(await ask(models({ clock }))).toMatchObject({ code: 'model.failed' })
    expect(model.calls).toHaveLength(8)
    await clock.advance('60s')
    expect(textOf((await ask()) as Answer)).toBe('back')
  })

  it('A pause that a model asks for applies to all its callers, and no call is sent meanwhile.', async () => {
    const clock = createVirtualClock()
    const own = models({ clock })
    const model = new MockModel({ responses: [apiError(429, { 'retry-after': '20' }), 'first', 'second'] })
    const first = own.call([model], call('one'))
    await clock.advance('1s')
    const second = own.call([model], call('two'))
    await clock.advance('18s')
    expect(model.calls).toHaveLength(1)
    await clock.advance('1s')
    expect([textOf(await first), textOf(await second)]).toEqual(['first', 'second'])
    const other = { url: 'http://127.0.0.1:9/v1', model: 'm' }
    const cold = new MockModel({ responses: [apiError(429, { 'retry-after': '3600' }), 'never'], modelId: 'cold' })
    await own.call([cold], call('hi')).catch(() => {})
    await expect(own.call([cold], call('hi'))).rejects.toMatchObject({ code: 'model.limited' })
    expect(cold.calls).toHaveLength(1)
    expect(own.nameOf(other)).toBe('127.0.0.1:9/m')
  })

  it('The limits of a model, of its provider and of all models are shared by all callers.', async () => {
    const clock = createVirtualClock()
    const slow = (modelId: string, provider = 'mock') =>
      new MockModel({
        responses: Array.from({ length: 9 }, () => ({ text: 'x', latency: '1s' })),
        modelId,
        provider,
        clock,
      })
    const own = models({
      clock,
      limits: { 'mock/one': { concurrent: 1, queue: 1 }, mock: { concurrent: 2 }, '*': { perMinute: 6 } },
    })
    const one = slow('one')
    const two = slow('two')
    const ask = (model: MockModel) => own.call([model], call('hi')).catch((error: unknown) => error)
    const asked = [ask(one), ask(one), ask(one), ask(two), ask(two)]
    await clock.advance('100ms')
    expect(one.calls.length + two.calls.length).toBe(2)
    await clock.advance('4s')
    expect((await Promise.all(asked)).filter((answer) => answer instanceof Error)).toMatchObject([
      { code: 'model.busy' },
    ])
    const late = ask(slow('three', 'other'))
    const later = ask(slow('three', 'other'))
    await clock.advance('2s')
    expect(await Promise.race([later, 'still waiting'])).toBe('still waiting')
    await late
    await clock.advance('60s')
    expect(await later).toMatchObject({ model: 'other/three' })
    expect(() => models({ limits: { mock: { concurent: 1 } as never } })).toThrow(/concurent/)
    expect(() => models({ limits: { mock: { queue: 1 } } })).toThrow(/queue needs the option concurrent/)
  })

  it('A model call stops at once when it is cancelled.', async () => {
    const controller = new AbortController()
    const model = new MockModel({ responses: [{ text: 'late', latency: '1h' }, 'never'] })
    const asked = models().call([model, model], call('hi', { signal: controller.signal }))
    controller.abort(new Error('enough'))
    await expect(asked).rejects.toMatchObject({ name: 'CancelledError' })
    expect(model.calls.length).toBeLessThanOrEqual(1)
  })
})

describe('names of models', () => {
  it('A model name may be configured for one model or a chain, and cannot refer to itself.', async () => {
    const fast = new MockModel({ responses: ['fast', 'default'], modelId: 'fast' })
    const own = models({
      registry: { fast, careful: [new MockModel({ responses: [apiError(400)] }), 'fast'], default: 'fast' },
    })
    expect(await own.call(['careful'], call('hi'))).toMatchObject({
      model: 'mock/fast',
      fallback: { from: 'mock/mock' },
    })
    expect(own.nameOf('fast')).toBe('mock/fast')
    expect(textOf(await own.call(own.defaultChain(), call('hi')))).toBe('default')
    await expect(own.call(['fats'], call('hi'))).rejects.toThrow(/did you mean fast/)
    expect(() => models({ registry: { a: 'b', b: 'a' } })).toThrow(/refers to itself/)
    expect(() => models({ registry: { 'a/b': fast } })).toThrow(/no slash/)
  })

  it('A model name with an unknown provider, a missing package or a missing key is rejected with the reason.', async () => {
    const missing = async () => Promise.reject(new Error('Cannot find package'))
    const ask = (name: string, more: Partial<ModelsOptions>) => models(more).call([name], call('hi'))
    await expect(ask('antropic/x', {})).rejects.toThrow(/did you mean anthropic/)
    await expect(ask('anthropic', {})).rejects.toThrow(/provider\/model/)
    const error = await ask('anthropic/claude-haiku-4-5', { load: missing }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ hint: 'Run npm install @ai-sdk/anthropic.' })
    const load = async () => ({ createAnthropic: () => () => new MockModel({ responses: ['loaded'] }) })
    await expect(ask('anthropic/claude-haiku-4-5', { load })).rejects.toThrow(/ANTHROPIC_API_KEY/)
    const answer = await ask('anthropic/claude-haiku-4-5', { load, env: { ANTHROPIC_API_KEY: 'k' } })
    expect(textOf(answer)).toBe('loaded')
    expect(answer).toMatchObject({ model: 'anthropic/claude-haiku-4-5', cost: (10 * 1 + 5 * 5) / 1e6 })
  })
})

describe('prices, cache and what models get wrong', () => {
  it('The prices of the troupe precede the built-in table, and an unknown price gives no cost.', async () => {
    const own = models({ prices: { 'mock/mock': { input: 10, output: 20 } } })
    expect((await own.call([new MockModel({ responses: ['x'] })], call('hi'))).cost).toBeCloseTo(
      (10 * 10 + 5 * 20) / 1e6,
      12,
    )
    expect(own.priceOf('openai/gpt-4o-2024-08-06')).toEqual(own.priceOf('openai/gpt-4o'))
    expect((await models().call([new MockModel({ responses: ['x'] })], call('hi'))).cost).toBeUndefined()
    expect(() => models({ prices: { x: { input: -1, output: 1 } } })).toThrow(/price of x/)
  })

  it('The model cache answers an equal prompt of the same user for an hour.', async () => {
    const clock = createVirtualClock()
    const own = models({ clock })
    const model = new MockModel({ responses: ['one', 'two', 'three'] })
    const ask = async (user: string) => textOf(await own.call([model], call('hi', { user, cache: true })))
    expect(await Promise.all([ask('a'), ask('a')])).toEqual(['one', 'one'])
    expect(await ask('b')).toBe('two')
    await clock.advance('61m')
    expect(await ask('a')).toBe('three')
  })

  it('readAnswerParts keeps the valid parts of a malformed answer.', () => {
    const content = readAnswerParts([
      { type: 'tool-call', toolCallId: 'x', toolName: 'a', input: '{}' },
      { type: 'tool-call', toolCallId: 'x', toolName: 'a', input: { q: 1 } },
      { type: 'tool-call', toolName: 'a', input: '{' },
      { type: 'text', text: 7 },
      null,
      { type: 'nonsense' },
    ])
    expect(content.map((part) => ('toolCallId' in part ? part.toolCallId : part.type))).toEqual(['x', 'x-2', 'call'])
    expect(() => readAnswerParts('text')).toThrow()
  })

  it('readUsage estimates missing or impossible token counts, and accepts the others.', () => {
    const usageOf = (input: unknown, output: unknown) =>
      readUsage({ inputTokens: { total: input }, outputTokens: { total: output } } as never, 'x'.repeat(398), 'y')
    expect(usageOf(-5, Number.NaN)).toEqual({ inputTokens: 100, outputTokens: 1 })
    expect(usageOf(undefined, 7)).toMatchObject({ inputTokens: 100, outputTokens: 7 })
    expect(usageOf(0, 7.9)).toMatchObject({ inputTokens: 0, outputTokens: 7 })
    expect(readUsage(undefined, 'x'.repeat(398), 'y')).toMatchObject({ inputTokens: 100, outputTokens: 1 })
    // More than any call can take; the storage takes no such number.
    expect(usageOf(1e300, 2 ** 53)).toMatchObject({ inputTokens: 100, outputTokens: 1 })
    expect(usageOf(1e9, 1e9)).toMatchObject({ inputTokens: 1e9, outputTokens: 1e9 })
  })

  it('Each attempt of a model call emits an event without content.', async () => {
    events.length = 0
    await models().call([new MockModel({ responses: ['secret'] }) as LanguageModelV4], call('private'))
    expect(events).toMatchObject([{ type: 'model.called', model: 'mock/mock', success: true, inputTokens: 10 }])
    expect(JSON.stringify(events)).not.toMatch(/secret|private/)
  })
})
