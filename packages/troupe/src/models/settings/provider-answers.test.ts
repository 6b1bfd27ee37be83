import { afterEach, expect, it } from 'vitest'
import { createEvents } from '../../core/index.ts'
import type { ModelAnswer, ModelCall } from '../models-port.ts'
import type { ScriptedResponse } from '../provider-server.test.fixture.ts'
import { oneWord, openProviderTestbed, type ProviderKind, shortPrompt } from './provider-testbed.test.fixture.ts'

const testbeds: { close(): void }[] = []
afterEach(() => {
  for (const testbed of testbeds.splice(0)) testbed.close()
})
async function open(kind: ProviderKind, replies?: readonly ScriptedResponse[], events = createEvents(() => {})) {
  const testbed = await openProviderTestbed(kind, replies, events)
  testbeds.push(testbed)
  return testbed
}

/** The prompt that follows an answer. */
const nextPrompt = ({ content }: ModelAnswer): ModelCall['prompt'] => [
  ...shortPrompt,
  {
    role: 'assistant',
    content: content.flatMap((part) =>
      part.type === 'text' || part.type === 'reasoning'
        ? [{ ...part, ...(part.providerMetadata ? { providerOptions: part.providerMetadata } : {}) }]
        : [],
    ),
  },
  { role: 'user', content: [{ type: 'text', text: 'and now?' }] },
]

const anthropicBlocks = [
  { type: 'thinking', thinking: 'A greeting.', signature: 'signed' },
  { type: 'redacted_thinking', data: 'hidden' },
  { type: 'text', text: 'one' },
]
const anthropicMessage = {
  id: 'm',
  type: 'message',
  role: 'assistant',
  model: 'test',
  content: anthropicBlocks,
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 3, cache_read_input_tokens: 2, cache_creation_input_tokens: 4 },
}
const event = (type: string, fields: object) => [type, { type, ...fields }] as const
const anthropicStream = [
  event('message_start', { message: { ...anthropicMessage, content: [], stop_reason: null } }),
  event('content_block_start', { index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } }),
  event('content_block_delta', { index: 0, delta: { type: 'thinking_delta', thinking: 'A greeting.' } }),
  event('content_block_delta', { index: 0, delta: { type: 'signature_delta', signature: 'signed' } }),
  event('content_block_stop', { index: 0 }),
  event('content_block_start', { index: 1, content_block: { type: 'redacted_thinking', data: 'hidden' } }),
  event('content_block_stop', { index: 1 }),
  event('content_block_start', { index: 2, content_block: { type: 'text', text: '' } }),
  event('content_block_delta', { index: 2, delta: { type: 'text_delta', text: 'one' } }),
  event('content_block_stop', { index: 2 }),
  event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 3 } }),
  event('message_stop', {}),
]

const reasoningItem = {
  type: 'reasoning',
  id: 'rs_1',
  summary: [{ type: 'summary_text', text: 'A greeting.' }],
  encrypted_content: 'encrypted',
}
const messageItem = {
  type: 'message',
  id: 'msg_1',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text: 'one', annotations: [] }],
}
const responsesUsage = {
  input_tokens: 7,
  output_tokens: 3,
  input_tokens_details: { cached_tokens: 5 },
  output_tokens_details: { reasoning_tokens: 1 },
}
const response = { id: 'r', object: 'response', created_at: 1, model: 'test' }
const responsesWhole = { ...response, status: 'completed', output: [reasoningItem, messageItem], usage: responsesUsage }
const responsesStream = [
  event('response.created', { response }),
  event('response.output_item.added', {
    output_index: 0,
    item: { ...reasoningItem, summary: [], encrypted_content: null },
  }),
  event('response.reasoning_summary_part.added', { item_id: 'rs_1', output_index: 0, summary_index: 0 }),
  event('response.reasoning_summary_text.delta', {
    item_id: 'rs_1',
    output_index: 0,
    summary_index: 0,
    delta: 'A greeting.',
  }),
  event('response.output_item.done', { output_index: 0, item: reasoningItem }),
  event('response.output_item.added', { output_index: 1, item: { ...messageItem, content: [] } }),
  event('response.output_text.delta', { item_id: 'msg_1', output_index: 1, content_index: 0, delta: 'one' }),
  event('response.output_item.done', { output_index: 1, item: messageItem }),
  event('response.completed', { response: { ...response, usage: responsesUsage } }),
]

const googleParts = [
  { text: 'A greeting.', thought: true, thoughtSignature: 'signed' },
  { text: 'one', thoughtSignature: 'signed too' },
]
const googleAnswer = {
  candidates: [{ content: { role: 'model', parts: googleParts }, finishReason: 'STOP' }],
  usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 3, totalTokenCount: 10, cachedContentTokenCount: 5 },
}
const bedrockAnswer = {
  output: {
    message: {
      role: 'assistant',
      content: [{ reasoningContent: { reasoningText: { text: 'A greeting.', signature: 'signed' } } }, { text: 'one' }],
    },
  },
  stopReason: 'end_turn',
  usage: { inputTokens: 1, outputTokens: 3, totalTokens: 10, cacheReadInputTokens: 2, cacheWriteInputTokens: 4 },
}

/** Whether the answer is streamed; the answer; what of its reasoning stands in the next request. */
const reasoned: readonly (readonly [ProviderKind, boolean, object, readonly unknown[]])[] = [
  ['anthropic', false, anthropicMessage, anthropicBlocks.slice(0, 2)],
  ['anthropic', true, anthropicStream, anthropicBlocks.slice(0, 2)],
  ['responses', false, responsesWhole, [{ encrypted_content: 'encrypted' }]],
  ['responses', true, responsesStream, [{ encrypted_content: 'encrypted' }]],
  ['google', false, googleAnswer, googleParts.slice(0, 1)],
  ['google', true, [[undefined, googleAnswer]], googleParts.slice(0, 1)],
  ['bedrock', false, bedrockAnswer, bedrockAnswer.output.message.content.slice(0, 1)],
]
it.each(reasoned)(
  'The reasoning of an answer of %s, streamed: %s, goes back with its signature.',
  async (kind, stream, raw, blocks) => {
    const { ask, asked } = await open(kind, [{ raw }, oneWord[kind]])
    const providerOptions = kind === 'responses' ? { openai: { store: false } } : {}
    const reasoning = { effort: 'low' } as const
    const first = await ask({ reasoning, providerOptions, ...(stream ? { onPart: () => {} } : {}) })
    expect(first.content.filter(({ type }) => type === 'reasoning')).not.toHaveLength(0)
    // What a journal holds of it is JSON.
    await ask({ reasoning, providerOptions, prompt: nextPrompt(JSON.parse(JSON.stringify(first)) as ModelAnswer) })
    const sent = JSON.stringify(asked[1]?.body)
    for (const block of blocks)
      for (const [field, value] of Object.entries(block as object))
        expect(sent).toContain(`${JSON.stringify(field)}:${JSON.stringify(value)}`)
  },
)

const cached: readonly (readonly [ProviderKind, object, object])[] = [
  ['anthropic', anthropicMessage, { inputTokens: 7, cacheReadTokens: 2, cacheWriteTokens: 4 }],
  ['responses', responsesWhole, { inputTokens: 7, cacheReadTokens: 5 }],
  ['google', googleAnswer, { inputTokens: 7, cacheReadTokens: 5 }],
  ['bedrock', bedrockAnswer, { inputTokens: 7, cacheReadTokens: 2, cacheWriteTokens: 4 }],
]
it.each(cached)(
  'The usage of an answer of %s counts what its cache was read and written.',
  async (kind, raw, usage) => {
    const events = createEvents(() => {})
    const called: object[] = []
    events.on('model.called', (one) => void called.push(one))
    const { ask } = await open(kind, [{ raw }], events)
    const answer = await ask()
    expect(answer.usage).toEqual({ outputTokens: 3, ...usage })
    expect(called).toMatchObject([usage])
  },
)

it('The price of an answer has a part for what the cache was read and written.', async () => {
  const { ask } = await open('anthropic', [{ raw: anthropicMessage }])
  expect((await ask()).cost).toBeCloseTo((1 * 3 + 2 * 0.3 + 4 * 3.75 + 3 * 15) / 1e6, 10)
})

it('The prompt of Anthropic is marked for its cache at the system text and the newest message.', async () => {
  const { ask, asked } = await open('anthropic')
  await ask()
  await ask({ tools: [] })
  await ask({ promptCache: false })
  const cache_control = { type: 'ephemeral' }
  const marked = (content: string) => ({ type: 'text', text: content, cache_control })
  const bare = (content: string) => ({ type: 'text', text: content })
  expect(asked.map(({ body: { system, messages } }) => [system, messages])).toEqual([
    [[marked('Be short.')], [{ role: 'user', content: [marked('hi')] }]],
    [[marked('Be short.')], [{ role: 'user', content: [bare('hi')] }]],
    [[bare('Be short.')], [{ role: 'user', content: [bare('hi')] }]],
  ])
})

it('The prompt of Bedrock is marked for its cache where its model has one.', async () => {
  const { ask, asked } = await open('bedrock')
  await ask()
  await ask({ promptCache: false })
  const point = { cachePoint: { type: 'default' } }
  expect(asked.map(({ body: { system, messages } }) => [system, messages])).toEqual([
    [[{ text: 'Be short.' }, point], [{ role: 'user', content: [{ text: 'hi' }, point] }]],
    [[{ text: 'Be short.' }], [{ role: 'user', content: [{ text: 'hi' }] }]],
  ])
})

it.each(['chat', 'responses'] as const)(
  'All calls of one conversation have one key of the cache of OpenAI, behind %s.',
  async (kind) => {
    const { ask, asked } = await open(kind)
    const answer = await ask()
    await ask({ prompt: nextPrompt(answer) })
    await ask({ prompt: [{ role: 'user', content: [{ type: 'text', text: 'other' }] }] })
    await ask({ promptCache: false })
    const keys = asked.map(({ body }) => body.prompt_cache_key)
    expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), keys[0], expect.any(String), undefined])
    expect(keys[2]).not.toBe(keys[0])
  },
)

const logprob = { token: 'one', logprob: -0.1, top_logprobs: [] }
it('The log probabilities of an answer of OpenAI are part of it where they were asked for.', async () => {
  const output = [
    { ...messageItem, content: [{ type: 'output_text', text: 'one', annotations: [], logprobs: [logprob] }] },
  ]
  const { ask } = await open('responses', [{ raw: { ...responsesWhole, output } }])
  expect(JSON.stringify((await ask({ logprobs: true })).logprobs)).toContain('-0.1')
  expect((await ask()).logprobs).toBeUndefined()
})

it.each(['chat', 'compatible'] as const)(
  'The log probabilities of an answer behind %s are part of it where they were asked for, streamed or not.',
  async (kind) => {
    const choice = { index: 0, finish_reason: 'stop', logprobs: { content: [logprob] } }
    const complete = { id: 'c', created: 1, model: 'test', choices: [{ ...choice, message: { content: 'one' } }] }
    const piece = (content: string, finish_reason: string | null) =>
      [undefined, { ...complete, choices: [{ ...choice, finish_reason, delta: { content } }] }] as const
    const streamed = [piece('on', null), piece('e', 'stop')]
    const { ask } = await open(kind, [{ raw: complete }, { raw: streamed }, { raw: complete }])
    const asked = { logprobs: 2, reasoning: { effort: 'none' } } as const
    expect((await ask(asked)).logprobs).toEqual([logprob])
    expect((await ask({ ...asked, onPart: () => {} })).logprobs).toEqual([logprob, logprob])
    expect((await ask()).logprobs).toBeUndefined()
  },
)

it('The sources that an answer cites are parts of it, streamed or not.', async () => {
  const annotation = {
    type: 'url_citation',
    url: 'https://example.com/oats',
    title: 'Oats',
    start_index: 0,
    end_index: 3,
  }
  const output = [{ ...messageItem, content: [{ type: 'output_text', text: 'one', annotations: [annotation] }] }]
  const streamed = responsesStream.toSpliced(
    -2,
    0,
    event('response.output_text.annotation.added', {
      item_id: 'msg_1',
      output_index: 1,
      content_index: 0,
      annotation_index: 0,
      annotation,
    }),
  )
  const { ask } = await open('responses', [{ raw: { ...responsesWhole, output } }, { raw: streamed }])
  for (const call of [{}, { onPart: () => {} }]) {
    const { content } = await ask(call)
    expect(content.filter(({ type }) => type === 'source')).toMatchObject([
      { type: 'source', sourceType: 'url', url: 'https://example.com/oats', title: 'Oats' },
    ])
  }
})

it('A setting that only this model does not take is named by the event of its call.', async () => {
  const events = createEvents(() => {})
  const called: object[] = []
  events.on('model.called', (one) => void called.push(one))
  const { ask } = await open('responses', undefined, events)
  await ask({ temperature: 0.5, reasoning: { effort: 'high' } })
  expect(called).toMatchObject([{ success: true, ignored: ['temperature'] }])
})
