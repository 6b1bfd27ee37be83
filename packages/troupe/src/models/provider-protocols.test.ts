import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Clock, createEvents, jsonSchemaOf, seededRandom, systemClock } from '../core/index.ts'
import { maxAnswerCharacters } from './answers/read-answer.ts'
import { createModels, type ModelsOptions } from './create-models.ts'
import type { LivePart, ModelCall, ModelSpec } from './models-port.ts'
import { openProviderServer, type ScriptedResponse } from './provider-server.test.fixture.ts'

/** Pauses between attempts take a fiftieth of their time. */
const hurried: Clock = {
  ...systemClock,
  monotonic: () => systemClock.monotonic() * 50,
  after: (ms, run, options) => systemClock.after(ms / 50, run, options),
}
const apiKey = 'key-of-the-test'
const kinds: Readonly<Record<string, (url: string) => ModelSpec>> = {
  'an OpenAI-compatible URL': (url) => ({ url, model: 'test', apiKey }),
  "OpenAI's chat": (url) => createOpenAI({ baseURL: url, apiKey }).chat('test'),
  "OpenAI's responses": (url) => createOpenAI({ baseURL: url, apiKey })('test'),
  "Anthropic's messages": (url) => createAnthropic({ baseURL: url, apiKey })('test'),
}

const servers: { close(): void }[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})
async function openProvider(mockReplies: readonly ScriptedResponse[], kind: string, more: Partial<ModelsOptions> = {}) {
  const server = await openProviderServer(mockReplies)
  servers.push(server)
  const models = createModels({ clock: hurried, random: seededRandom(1), events: createEvents(() => {}), ...more })
  const spec = kinds[kind]?.(server.url) as ModelSpec
  const parts: LivePart[] = []
  const ask = (stream: boolean, call: Partial<ModelCall> = {}) =>
    models.call([spec], {
      user: 'u',
      prompt: [
        { role: 'system', content: 'Be short.' },
        { role: 'user', content: [{ type: 'text', text: 'hi' }] },
      ],
      ...(stream ? { onPart: (part: LivePart) => void parts.push(part) } : {}),
      ...call,
    })
  return { ask, parts, asked: server.asked }
}
const textOf = (answer: { readonly content: readonly { readonly type: string }[] }) =>
  answer.content.map((part) => ('text' in part ? part.text : '')).join('')

describe.each(Object.keys(kinds))('the provider %s', (kind) => {
  describe.each([
    ['whole', false],
    ['streamed', true],
  ] as const)('%s', (_, stream) => {
    it('An answer of a provider has its text, its usage and its finish reason.', async () => {
      const { ask, asked, parts } = await openProvider([{ text: 'one two three' }], kind)
      const answer = await ask(stream, { maxOutputTokens: 50 })
      expect(textOf(answer)).toBe('one two three')
      expect(answer).toMatchObject({ usage: { inputTokens: 7, outputTokens: 3 }, finish: 'stop' })
      expect(JSON.stringify(asked[0]?.headers)).toContain(apiKey)
      expect(parts.length > 0).toBe(stream)
    })

    it('A tool call of a provider has its id, name and arguments.', async () => {
      const { ask, asked } = await openProvider([{ tool: { name: 'look', args: { q: 'a lane' } } }], kind)
      const inputSchema = { type: 'object' as const, properties: { q: { type: 'string' as const } } }
      const answer = await ask(stream, {
        tools: [{ type: 'function', name: 'look', description: 'Looks.', inputSchema }],
      })
      const [call] = answer.content.filter((part) => part.type === 'tool-call')
      expect(call).toMatchObject({ toolName: 'look', toolCallId: expect.stringMatching(/1$/) as string })
      expect(JSON.parse(call?.input ?? '')).toEqual({ q: 'a lane' })
      expect([answer.finish, JSON.stringify(asked[0]?.body)]).toEqual(['tool-calls', expect.stringContaining('Looks.')])
    })

    it('A limit of a provider is awaited, and a server failure is retried.', async () => {
      const { ask, asked } = await openProvider(
        [
          { fault: { kind: 'status', status: 429, headers: { 'retry-after': '1' } } },
          { fault: { kind: 'status', status: 500 } },
          { fault: { kind: 'status', status: 529 } },
          { text: 'at last' },
        ],
        kind,
      )
      expect(textOf(await ask(stream))).toBe('at last')
      expect(asked).toHaveLength(4)
    })

    it('A request that cannot succeed is not retried, and its error has the status and no key.', async () => {
      for (const status of [400, 401, 403, 404]) {
        const { ask, asked } = await openProvider([{ fault: { kind: 'status', status } }], kind)
        const error = await ask(stream).catch((thrown: unknown) => thrown)
        expect(error).toMatchObject({ code: 'model.rejected', details: { status } })
        expect(`${(error as Error).message}${JSON.stringify((error as { details?: unknown }).details)}`).not.toContain(
          apiKey,
        )
        expect(asked).toHaveLength(1)
      }
    })

    it.each([
      ['cut off', { kind: 'cut', after: 3 }],
      ['malformed', { kind: 'malformed' }],
      ['empty', { kind: 'empty' }],
      ['closed before its end', { kind: 'closed', after: 3 }],
    ] as const)('An answer that is %s is requested again, and emitted only once.', async (__, fault) => {
      const { ask, asked, parts } = await openProvider(
        [{ text: 'one two three', fault }, { text: 'one two three' }],
        kind,
      )
      expect(textOf(await ask(stream))).toBe('one two three')
      expect(asked).toHaveLength(2)
      const text = parts.flatMap((part) => (part.type === 'text-delta' ? [part.delta] : [])).join('')
      expect(text).toBe(stream ? 'one two three' : '')
      const never = await openProvider([{ text: 'one two three', fault }], kind)
      await expect(never.ask(stream)).rejects.toMatchObject({ code: 'model.failed' })
      expect(never.asked).toHaveLength(3)
    })

    it('A stream that is too slow ends with the timeout of the call.', async () => {
      const { ask, asked } = await openProvider([{ text: 'a b c d e f', fault: { kind: 'slow', ms: 400 } }], kind, {
        clock: systemClock,
      })
      await expect(ask(stream, { timeoutMs: 300 })).rejects.toMatchObject({ name: 'TimeoutError' })
      expect(asked).toHaveLength(1)
    })

    it('A huge answer is cut, and has the finish reason `length`.', async () => {
      const { ask } = await openProvider([{ text: `${'x'.repeat(99_999)} `.repeat(45) }], kind)
      const answer = await ask(stream)
      expect(answer.finish).toBe('length')
      expect(textOf(answer).length).toBeLessThanOrEqual(maxAnswerCharacters + 200_000)
      expect(textOf(answer).length).toBeGreaterThan(1_000_000)
    })

    it('A cancelled model call stops waiting.', async () => {
      const { ask } = await openProvider([{ text: 'a b c', fault: { kind: 'slow', ms: 2_000 } }], kind)
      const controller = new AbortController()
      const asked = ask(stream, { signal: controller.signal })
      systemClock.after(20, () => controller.abort())
      await expect(asked).rejects.toMatchObject({ name: 'CancelledError' })
    })
  })
})

it.each(Object.keys(kinds))(
  'A failure that %s reports within a stream is retried, and its text is in the error.',
  async (kind) => {
    const fault = { kind: 'reported', after: 3 } as const
    const { ask, asked } = await openProvider([{ text: 'one two three', fault }, { text: 'one two three' }], kind)
    expect(textOf(await ask(true))).toBe('one two three')
    expect(asked).toHaveLength(2)
    const never = await openProvider([{ text: 'one two three', fault }], kind)
    await expect(never.ask(true)).rejects.toMatchObject({ code: 'model.failed', details: { problem: 'too many ask' } })
    expect(never.asked).toHaveLength(3)
  },
)

describe('the form of an answer', () => {
  const openAi = ['an OpenAI-compatible URL', "OpenAI's chat", "OpenAI's responses"] as const
  const asksFor = async (kind: string, form: z.ZodType) => {
    const { ask, asked } = await openProvider([{ text: 'any' }], kind)
    const schema = jsonSchemaOf(form) as never
    await ask(false, { responseFormat: { type: 'json', schema, name: 'answer' } })
    const { response_format, text, ...body } = asked[0]?.body ?? {}
    const { json_schema, ...format } = (response_format ?? (text as { format: unknown } | undefined)?.format ?? {}) as {
      readonly json_schema?: object
    }
    const responseFormat = { ...format, ...json_schema } as { readonly strict?: boolean; readonly schema?: object }
    return { ...responseFormat, body: JSON.stringify(body) }
  }

  it.each(openAi)('The schema of an answer is closed at every depth if it can be strict, for %s.', async (kind) => {
    const address = z.object({ street: z.string().nullable(), tags: z.array(z.object({ name: z.string() })) })
    const { strict, schema } = await asksFor(
      kind,
      z.object({ address, either: z.union([z.object({ a: z.int() }), z.null()]) }),
    )
    expect(strict).toBe(true)
    expect(JSON.stringify(schema).match(/"additionalProperties":false/g)).toHaveLength(4)
  })

  it.each(openAi)(
    'The schema of an answer is sent without strictness if it is not strict enough, for %s.',
    async (kind) => {
      const loose: readonly z.ZodType[] = [
        z.object({ a: z.string().optional() }),
        z.object({ a: z.number().default(1) }),
        z.object({ a: z.string().min(3) }),
        z.object({ a: z.url() }),
        z.object({ a: z.record(z.string(), z.number()) }),
        z.looseObject({ a: z.string() }),
        z.object({ a: z.array(z.unknown()) }),
        z.object({ a: z.discriminatedUnion('kind', [z.object({ kind: z.literal('x') })]) }),
      ]
      for (const form of loose)
        expect(await asksFor(kind, form)).toMatchObject({ strict: false, schema: { type: 'object' } })
    },
  )

  it.each(Object.keys(kinds))(
    'The schema of an answer is described in words if it is not an object, for %s.',
    async (kind) => {
      for (const form of [
        z.array(z.string()),
        z.enum(['left', 'right']),
        z.union([z.object({ a: z.string() }), z.null()]),
      ]) {
        const { schema, body } = await asksFor(kind, form)
        expect([schema, body]).toEqual([undefined, expect.stringContaining('Answer with one JSON value')])
        expect(body).toContain('Be short.')
      }
      expect((await asksFor(kind, z.string())).body).not.toContain('JSON value')
    },
  )
})

it.each([true, false])('A model named openai/… asks OpenAI to store nothing, streamed: %s.', async (stream) => {
  const server = await openProviderServer([{ text: 'one' }])
  servers.push(server)
  const load = async () => ({
    createOpenAI: (settings: object) => createOpenAI({ ...settings, baseURL: server.url }),
  })
  const parts = { clock: hurried, random: seededRandom(1), events: createEvents(() => {}), load }
  const models = createModels({ ...parts, env: { OPENAI_API_KEY: apiKey } })
  const prompt: ModelCall['prompt'] = [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }]
  await models.call(['openai/test'], { user: 'u', prompt, ...(stream ? { onPart: () => {} } : {}) })
  expect(server.asked[0]).toMatchObject({ path: expect.stringMatching(/responses$/), body: { store: false } })
})

it('A pause before another attempt is an event, with its length and reason.', async () => {
  const events = createEvents(() => {})
  const retried: unknown[] = []
  events.on('model.retried', ({ attempt, pauseMs, reason }) => void retried.push({ attempt, pauseMs, reason }))
  const limited = { fault: { kind: 'status', status: 429, headers: { 'retry-after': '1' } } } as const
  const failed = { fault: { kind: 'status', status: 503 } } as const
  const { ask } = await openProvider([limited, failed, { text: 'one' }], "OpenAI's responses", { events })
  expect(textOf(await ask(false))).toBe('one')
  expect(retried).toEqual([
    { attempt: 2, pauseMs: 1_000, reason: 'limited' },
    { attempt: 3, pauseMs: expect.any(Number), reason: 'failed' },
  ])
})

it('An event of a type that is not known is ignored in a stream, and a known event without its form is not.', async () => {
  const of = (data: { readonly type: string; readonly [field: string]: unknown }) => [data.type, data] as const
  const delta = (value: object) => of({ type: 'content_block_delta', index: 0, delta: value })
  const start = of({
    type: 'message_start',
    message: { id: 'm', model: 'test', usage: { input_tokens: 7, output_tokens: 1 } },
  })
  const begin = of({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } })
  const text = delta({ type: 'text_delta', text: 'one' })
  const ends = [
    of({ type: 'content_block_stop', index: 0 }),
    of({ type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 3 } }),
    of({ type: 'message_stop' }),
  ]
  const unknown = [of({ type: 'new_event' }), begin, delta({ type: 'new_delta' }), text]
  const { ask, asked } = await openProvider([{ raw: [start, ...unknown, ...ends] }], "Anthropic's messages")
  expect(textOf(await ask(true))).toBe('one')
  expect(asked).toHaveLength(1)
  const formless = [start, begin, text, delta({ type: 'text_delta', text: 2 }), ...ends]
  const second = await openProvider([{ raw: formless }, { text: 'two' }], "Anthropic's messages")
  expect(textOf(await second.ask(true))).toBe('two')
})
