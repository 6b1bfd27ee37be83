import { afterEach, expect, it } from 'vitest'
import { createEvents, seededRandom, systemClock } from '../../core/index.ts'
import { createModels } from '../create-models.ts'
import type { ModelCall, ModelSpec } from '../models-port.ts'
import type { CallSettings } from './call-settings.ts'
import { openProviderTestbed, type ProviderKind, providerKinds, shortPrompt } from './provider-testbed.test.fixture.ts'

const testbeds: { close(): void }[] = []
afterEach(() => {
  for (const testbed of testbeds.splice(0)) testbed.close()
})
async function open(kind: ProviderKind) {
  const testbed = await openProviderTestbed(kind)
  testbeds.push(testbed)
  return testbed
}

/** The body of the request that the settings make, and what was answered. */
async function requestOf(kind: ProviderKind, settings: CallSettings & Partial<ModelCall>) {
  const { ask, asked } = await open(kind)
  await ask(settings)
  expect(asked).toHaveLength(1)
  return { ...asked[0]?.body } as Readonly<Record<string, unknown>>
}

type Row = readonly [what: string, settings: CallSettings, bodies: { readonly [kind in ProviderKind]?: unknown }]
/** Of the fields beside them nothing is said. */
const contain = (fields: object) => expect.objectContaining(fields) as object
const accepted: readonly Row[] = [
  [
    'an effort of reasoning',
    { reasoning: { effort: 'high' } },
    {
      compatible: { reasoning_effort: 'high' },
      chat: { reasoning_effort: 'high' },
      responses: { reasoning: { effort: 'high', summary: 'detailed' } },
      anthropic: { thinking: contain({ type: 'enabled' }) },
      google: { generationConfig: contain({ thinkingConfig: contain({ thinkingBudget: expect.any(Number) }) }) },
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
    },
  ],
  [
    'tokens of reasoning',
    { reasoning: { effort: 'low', maxTokens: 2_000 } },
    {
      anthropic: { thinking: { type: 'enabled', budget_tokens: 2_000 } },
      google: { generationConfig: contain({ thinkingConfig: { thinkingBudget: 2_000, includeThoughts: true } }) },
      bedrock: { additionalModelRequestFields: contain({ thinking: contain({ budget_tokens: 2_000 }) }) },
    },
  ],
  [
    'a tier of service',
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
    'one tool at a time',
    { parallelToolCalls: false },
    {
      compatible: { parallel_tool_calls: false },
      chat: { parallel_tool_calls: false },
      responses: { parallel_tool_calls: false },
      anthropic: { tool_choice: { type: 'auto', disable_parallel_tool_use: true } },
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
    { compatible: { seed: 7 }, chat: { seed: 7 }, google: { generationConfig: contain({ seed: 7 }) } },
  ],
  [
    'texts that end an answer',
    { stop: ['END'] },
    {
      compatible: { stop: ['END'] },
      chat: { stop: ['END'] },
      anthropic: { stop_sequences: ['END'] },
      google: { generationConfig: contain({ stopSequences: ['END'] }) },
      bedrock: { inferenceConfig: contain({ stopSequences: ['END'] }) },
    },
  ],
  [
    'log probabilities',
    { logprobs: 3, reasoning: { effort: 'none' } },
    {
      chat: { logprobs: true },
      responses: { top_logprobs: 3, include: ['message.output_text.logprobs'] },
    },
  ],
]
const requestsByKind = accepted.flatMap(([what, settings, bodies]) =>
  Object.entries(bodies).map(([kind, body]) => [kind as ProviderKind, what, settings, body as object] as const),
)

it.each(requestsByKind)(
  'A call behind %s asks for %s in the words of its provider.',
  async (kind, _, settings, body) => {
    expect(await requestOf(kind, settings)).toMatchObject(body)
  },
)

const rejected: readonly (readonly [ProviderKind, string, CallSettings])[] = [
  ['compatible', 'reasoning.maxTokens', { reasoning: { effort: 'low', maxTokens: 9 } }],
  ['compatible', 'logprobs', { logprobs: true }],
  ['chat', 'reasoning.maxTokens', { reasoning: { effort: 'low', maxTokens: 9 } }],
  ['responses', 'reasoning.maxTokens', { reasoning: { effort: 'low', maxTokens: 9 } }],
  ['responses', 'seed', { seed: 1 }],
  ['responses', 'stop', { stop: ['END'] }],
  ['anthropic', 'seed', { seed: 1 }],
  ['anthropic', 'logprobs', { logprobs: 2 }],
  ['anthropic', "serviceTier 'flex'", { serviceTier: 'flex' }],
  ['google', 'parallelToolCalls', { parallelToolCalls: true }],
  ['google', 'logprobs', { logprobs: true }],
  ['bedrock', 'seed', { seed: 1 }],
  ['bedrock', 'parallelToolCalls', { parallelToolCalls: false }],
  ['bedrock', 'logprobs', { logprobs: true }],
]
it.each(rejected)('A call behind %s rejects %s before it asks.', async (kind, setting, settings) => {
  const { ask, asked } = await open(kind)
  await expect(ask(settings)).rejects.toMatchObject({ code: 'model.setting', details: { setting } })
  expect(asked).toHaveLength(0)
})

it.each(Object.keys(providerKinds) as ProviderKind[])(
  "A call behind %s passes on options of the provider's own.",
  async (kind) => {
    const own = {
      compatible: [{ openaiCompatible: { top_k: 5 } }, { top_k: 5 }],
      chat: [{ openai: { user: 'ada' } }, { user: 'ada' }],
      responses: [{ openai: { textVerbosity: 'low' } }, { text: contain({ verbosity: 'low' }) }],
      anthropic: [{ anthropic: { metadata: { userId: 'ada' } } }, { metadata: { user_id: 'ada' } }],
      google: [{ google: { cachedContent: 'cachedContents/1' } }, { cachedContent: 'cachedContents/1' }],
      bedrock: [
        { amazonBedrock: { additionalModelRequestFields: { top_k: 5 } } },
        { additionalModelRequestFields: { top_k: 5 } },
      ],
    }[kind] as unknown as readonly [NonNullable<CallSettings['providerOptions']>, object]
    expect(await requestOf(kind, { providerOptions: own[0] })).toMatchObject(own[1])
  },
)

it("An option of the provider's own goes before the setting of the same meaning.", async () => {
  const providerOptions = { openai: { serviceTier: 'flex' } }
  expect(await requestOf('chat', { serviceTier: 'priority', providerOptions })).toMatchObject({ service_tier: 'flex' })
})

it('A registered model has settings of its own, and those of the call go before them.', async () => {
  const { asked, spec } = await open('compatible')
  const settings: CallSettings = { seed: 1, temperature: 0.1, providerOptions: { openaiCompatible: { top_k: 5 } } }
  const registry = {
    careful: { ...(spec as object), settings } as ModelSpec,
    quick: { model: 'careful', settings: { seed: 2 } },
  }
  const models = createModels({
    clock: systemClock,
    random: seededRandom(1),
    events: createEvents(() => {}),
    registry,
    defaults: { temperature: 0.9, topP: 0.5 },
  })
  await models.call(['careful'], { user: 'u', prompt: shortPrompt })
  await models.call(['quick'], { user: 'u', prompt: shortPrompt, temperature: 0 })
  expect(asked.map(({ body }) => body)).toMatchObject([
    { seed: 1, temperature: 0.1, top_p: 0.5, top_k: 5 },
    { seed: 2, temperature: 0, top_p: 0.5, top_k: 5 },
  ])
})

it('A call without settings has the request that it had before there were any.', async () => {
  const { model: _, messages: __, tools: ___, prompt_cache_key: ____, ...chat } = await requestOf('chat', {})
  expect(chat).toEqual({ tool_choice: undefined })
  const { model: _a, messages: _b, tools: _c, ...compatible } = await requestOf('compatible', {})
  expect(compatible).toEqual({})
})
