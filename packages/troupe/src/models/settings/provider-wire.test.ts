/** Each option of a call beside each provider package: the request that a server receives, or how the call is rejected. */
import { expect, it, onTestFinished } from 'vitest'
import { createEvents, type TroupeEvent } from '../../core/index.ts'
import type { ModelCall } from '../models-port.ts'
import {
  openProviderTestbed,
  type ProviderKind,
  promptWithToolImage,
  providerKinds,
} from './provider-testbed.test.fixture.ts'

/** Of the fields beside them nothing is required. */
const contain = (fields: object) => expect.objectContaining(fields) as object
/** The call is rejected before it is sent, with the code and the words. */
type Rejection = { readonly code: 'model.setting' | 'model.content'; readonly words: string }
const setting = (words: string): Rejection => ({ code: 'model.setting', words })
const content = (words: string): Rejection => ({ code: 'model.content', words })
/** The call is sent without the field. */
type Absence = {
  readonly absent: string
  /** The event `model.called` names the setting as ignored, since this model lacks it. */
  readonly isIgnored?: true
}

const filePart = (mediaType: string) => ({
  type: 'file' as const,
  mediaType,
  filename: 'report.x',
  data: { type: 'data' as const, data: 'QUJD' },
})
const asked = (mediaType: string): Partial<ModelCall> => ({
  prompt: [{ role: 'user', content: [filePart(mediaType)] }],
})
const answerSchema = {
  type: 'object' as const,
  properties: { a: { type: 'string' as const } },
  required: ['a'],
  additionalProperties: false,
}
const png = 'data:image/png;base64,QUJD'
const imageMessage = contain({ content: [{ type: 'image_url', image_url: { url: png } }] })
/** The messages of the chat protocol have no files in results. */
const imageAfterResult = [
  contain({ role: 'tool', content: expect.stringContaining('seen') }),
  contain({ role: 'user', content: expect.arrayContaining([contain({ image_url: { url: png } })]) }),
]
const inAnyOrder = (...items: readonly unknown[]) => expect.arrayContaining([...items]) as object
const marked = { cache_control: { type: 'ephemeral' } }
const point = { cachePoint: { type: 'default' } }
const thinking = (fields: object) => ({ generationConfig: contain({ thinkingConfig: contain(fields) }) })

/** Each option beside each provider: the fields of the request, or how the call says that there are none. */
type Wire = Rejection | Absence | object
type Row = readonly [option: string, call: Partial<ModelCall>, wire: { readonly [kind in ProviderKind]: Wire }]
const rows: readonly Row[] = [
  [
    'an effort of reasoning',
    { reasoning: { effort: 'high' } },
    {
      compatible: { reasoning_effort: 'high' },
      chat: { reasoning_effort: 'high' },
      responses: { reasoning: { effort: 'high', summary: 'detailed' } },
      anthropic: { thinking: contain({ type: 'enabled' }) },
      google: thinking({ thinkingBudget: expect.any(Number) }),
      bedrock: { additionalModelRequestFields: contain({ thinking: contain({ type: 'enabled' }) }) },
    },
  ],
  [
    'no reasoning',
    { reasoning: { effort: 'none' } },
    {
      compatible: { reasoning_effort: 'none' },
      chat: { reasoning_effort: 'none' },
      responses: { reasoning: contain({ effort: 'none' }) },
      anthropic: { thinking: { type: 'disabled' } },
      // The least that this model takes.
      google: thinking({ thinkingBudget: 128 }),
      // Its models do not reason unless a request enables it.
      bedrock: { absent: 'additionalModelRequestFields' },
    },
  ],
  [
    'tokens of reasoning',
    { reasoning: { effort: 'low', maxTokens: 2_000 } },
    {
      compatible: setting('reasoning.maxTokens'),
      chat: setting('reasoning.maxTokens'),
      responses: setting('reasoning.maxTokens'),
      anthropic: { thinking: { type: 'enabled', budget_tokens: 2_000 } },
      google: thinking({ thinkingBudget: 2_000, includeThoughts: true }),
      bedrock: { additionalModelRequestFields: contain({ thinking: contain({ budget_tokens: 2_000 }) }) },
    },
  ],
  [
    'the default tier of service',
    { serviceTier: 'default' },
    {
      compatible: { service_tier: 'default' },
      chat: { service_tier: 'default' },
      responses: { service_tier: 'default' },
      anthropic: { service_tier: 'standard_only' },
      google: { serviceTier: 'standard' },
      bedrock: { serviceTier: { type: 'default' } },
    },
  ],
  [
    'a flexible tier of service',
    { serviceTier: 'flex' },
    {
      compatible: { service_tier: 'flex' },
      chat: { service_tier: 'flex' },
      responses: { service_tier: 'flex' },
      anthropic: setting("serviceTier 'flex'"),
      google: { serviceTier: 'flex' },
      bedrock: { serviceTier: { type: 'flex' } },
    },
  ],
  [
    'one tool at a time',
    { parallelToolCalls: false },
    {
      compatible: { parallel_tool_calls: false },
      chat: { parallel_tool_calls: false },
      responses: { parallel_tool_calls: false },
      anthropic: { tool_choice: { type: 'auto', disable_parallel_tool_use: true } },
      google: setting('parallelToolCalls'),
      bedrock: setting('parallelToolCalls'),
    },
  ],
  [
    'no tool',
    { toolChoice: 'none' },
    {
      compatible: { tool_choice: 'none' },
      chat: { tool_choice: 'none' },
      responses: { tool_choice: 'none' },
      anthropic: { tool_choice: { type: 'none' } },
      google: { toolConfig: { functionCallingConfig: { mode: 'NONE' } } },
      // It has no such choice, so no tools are sent.
      bedrock: { absent: 'toolConfig' },
    },
  ],
  [
    'that a tool has to be called',
    { toolChoice: 'required' },
    {
      compatible: { tool_choice: 'required' },
      chat: { tool_choice: 'required' },
      responses: { tool_choice: 'required' },
      anthropic: { tool_choice: { type: 'any' } },
      google: { toolConfig: { functionCallingConfig: contain({ mode: 'ANY' }) } },
      bedrock: { toolConfig: contain({ toolChoice: { any: {} } }) },
    },
  ],
  [
    'which tool has to be called',
    { toolChoice: { tool: 'look' } },
    {
      compatible: { tool_choice: { type: 'function', function: { name: 'look' } } },
      chat: { tool_choice: { type: 'function', function: { name: 'look' } } },
      responses: { tool_choice: { type: 'function', name: 'look' } },
      anthropic: { tool_choice: { type: 'tool', name: 'look' } },
      google: { toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['look'] } } },
      bedrock: { toolConfig: contain({ toolChoice: { tool: { name: 'look' } } }) },
    },
  ],
  [
    'a seed',
    { seed: 7 },
    {
      compatible: { seed: 7 },
      chat: { seed: 7 },
      responses: setting('seed'),
      anthropic: setting('seed'),
      google: { generationConfig: contain({ seed: 7 }) },
      bedrock: setting('seed'),
    },
  ],
  [
    'texts that end an answer',
    { stop: ['END'] },
    {
      compatible: { stop: ['END'] },
      chat: { stop: ['END'] },
      responses: setting('stop'),
      anthropic: { stop_sequences: ['END'] },
      google: { generationConfig: contain({ stopSequences: ['END'] }) },
      bedrock: { inferenceConfig: contain({ stopSequences: ['END'] }) },
    },
  ],
  [
    'log probabilities',
    { logprobs: 3, reasoning: { effort: 'none' } },
    {
      compatible: { logprobs: true, top_logprobs: 3 },
      chat: { logprobs: true },
      responses: { top_logprobs: 3, include: ['message.output_text.logprobs'] },
      anthropic: setting('logprobs'),
      google: setting('logprobs'),
      bedrock: setting('logprobs'),
    },
  ],
  [
    'a temperature',
    { temperature: 0.5 },
    {
      compatible: { temperature: 0.5 },
      chat: { absent: 'temperature', isIgnored: true },
      responses: { absent: 'temperature', isIgnored: true },
      anthropic: { temperature: 0.5 },
      google: { generationConfig: contain({ temperature: 0.5 }) },
      bedrock: { inferenceConfig: contain({ temperature: 0.5 }) },
    },
  ],
  [
    'the length of an answer',
    { maxOutputTokens: 50 },
    {
      compatible: { max_tokens: 50 },
      chat: { max_completion_tokens: 50 },
      responses: { max_output_tokens: 50 },
      anthropic: { max_tokens: 50 },
      google: { generationConfig: contain({ maxOutputTokens: 50 }) },
      bedrock: { inferenceConfig: contain({ maxTokens: 50 }) },
    },
  ],
  [
    'an answer of a schema',
    { responseFormat: { type: 'json', schema: answerSchema, name: 'answer' }, tools: [] },
    {
      compatible: { response_format: contain({ json_schema: contain({ schema: answerSchema }) }) },
      chat: { response_format: contain({ json_schema: contain({ schema: answerSchema, strict: true }) }) },
      responses: { text: { format: contain({ type: 'json_schema', schema: answerSchema, strict: true }) } },
      anthropic: { output_config: { format: { type: 'json_schema', schema: answerSchema } } },
      google: { generationConfig: contain({ responseJsonSchema: answerSchema }) },
      bedrock: {
        additionalModelRequestFields: { output_config: { format: { type: 'json_schema', schema: answerSchema } } },
      },
    },
  ],
  [
    'a cache of the prompt, by default',
    {},
    {
      // Their servers find a prefix by themselves.
      compatible: { absent: 'prompt_cache_key' },
      google: { absent: 'cachedContent' },
      chat: { prompt_cache_key: expect.any(String) },
      responses: { prompt_cache_key: expect.any(String) },
      anthropic: { system: [contain(marked)], messages: [contain({ content: [contain(marked)] })] },
      bedrock: { system: inAnyOrder(point), messages: [contain({ content: inAnyOrder(point) })] },
    },
  ],
  [
    "an option of the provider's own",
    {
      providerOptions: {
        openaiCompatible: { top_k: 5 },
        openai: { user: 'ada' },
        anthropic: { metadata: { userId: 'ada' } },
        google: { cachedContent: 'cachedContents/1' },
        amazonBedrock: { additionalModelRequestFields: { top_k: 5 } },
      },
    },
    {
      compatible: { top_k: 5 },
      chat: { user: 'ada' },
      responses: { user: 'ada' },
      anthropic: { metadata: { user_id: 'ada' } },
      google: { cachedContent: 'cachedContents/1' },
      bedrock: { additionalModelRequestFields: { top_k: 5 } },
    },
  ],
  [
    'an image',
    asked('image/png'),
    {
      compatible: { messages: [imageMessage] },
      chat: { messages: [imageMessage] },
      responses: { input: [contain({ content: [{ type: 'input_image', image_url: png }] })] },
      anthropic: {
        messages: [
          contain({
            content: [contain({ source: { type: 'base64', media_type: 'image/png', data: 'QUJD' } })],
          }),
        ],
      },
      google: { contents: [contain({ parts: [{ inlineData: { mimeType: 'image/png', data: 'QUJD' } }] })] },
      bedrock: {
        messages: [contain({ content: inAnyOrder({ image: { format: 'png', source: { bytes: 'QUJD' } } }) })],
      },
    },
  ],
  [
    'a PDF file',
    asked('application/pdf'),
    {
      compatible: { messages: [contain({ content: [contain({ type: 'file' })] })] },
      chat: { messages: [contain({ content: [contain({ type: 'file' })] })] },
      responses: { input: [contain({ content: [contain({ type: 'input_file' })] })] },
      anthropic: { messages: [contain({ content: [contain({ type: 'document' })] })] },
      google: { contents: [contain({ parts: [{ inlineData: { mimeType: 'application/pdf', data: 'QUJD' } }] })] },
      bedrock: { messages: [contain({ content: inAnyOrder({ document: contain({ format: 'pdf' }) }) })] },
    },
  ],
  [
    'audio',
    asked('audio/wav'),
    {
      compatible: { messages: [contain({ content: [contain({ type: 'input_audio' })] })] },
      chat: { messages: [contain({ content: [contain({ type: 'input_audio' })] })] },
      responses: content('audio/wav'),
      anthropic: content('audio/wav'),
      google: { contents: [contain({ parts: [{ inlineData: { mimeType: 'audio/wav', data: 'QUJD' } }] })] },
      bedrock: content('audio/wav'),
    },
  ],
  [
    'an image that a tool returned',
    { prompt: promptWithToolImage('QUJD') },
    {
      compatible: { messages: inAnyOrder(...imageAfterResult) },
      chat: { messages: inAnyOrder(...imageAfterResult) },
      responses: { input: inAnyOrder(contain({ output: inAnyOrder({ type: 'input_image', image_url: png }) })) },
      anthropic: {
        messages: inAnyOrder(
          contain({
            content: [contain({ type: 'tool_result', content: inAnyOrder(contain({ type: 'image' })) })],
          }),
        ),
      },
      google: { contents: inAnyOrder(contain({ parts: inAnyOrder({ inlineData: contain({ data: 'QUJD' }) }) })) },
      bedrock: {
        messages: inAnyOrder(
          contain({
            content: inAnyOrder({
              toolResult: contain({ content: inAnyOrder({ image: contain({ format: 'png' }) }) }),
            }),
          }),
        ),
      },
    },
  ],
]
const cells = rows.flatMap(([option, sent, wire]) =>
  (Object.keys(providerKinds) as ProviderKind[]).map((kind) => [kind, option, sent, wire[kind]] as const),
)

it.each(cells)(
  'A call behind %s with %s has it in its request, or says that it has not.',
  async (kind, _, sent, wire) => {
    const events = createEvents(() => {})
    const called: TroupeEvent<'model.called'>[] = []
    events.on('model.called', (event) => void called.push(event as never))
    const testbed = await openProviderTestbed(kind, undefined, events)
    onTestFinished(testbed.close)
    const made = testbed.ask(sent)
    if ('code' in wire) {
      await expect(made).rejects.toMatchObject({ code: wire.code, message: expect.stringContaining(wire.words) })
      expect(testbed.asked).toEqual([])
      return
    }
    await made
    expect(testbed.asked).toHaveLength(1)
    const body = testbed.asked[0]?.body
    if ('absent' in wire) {
      expect(body).not.toHaveProperty(wire.absent)
      if (wire.isIgnored) expect(called[0]?.ignored).toEqual([wire.absent])
    } else expect(body).toMatchObject(wire)
  },
)
