/** Models of each provider package that ask a server on this machine. */
import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { expect, onTestFinished } from 'vitest'
import { createEvents, type Events, seededRandom, systemClock } from '../../core/index.ts'
import { createTroupe, LlmAgent, type LlmAgentOptions } from '../../index.ts'
import { createModels } from '../create-models.ts'
import type { ModelCall, ModelSpec } from '../models-port.ts'
import { openProviderServer, type ScriptedResponse } from '../provider-server.test.fixture.ts'

const apiKey = 'key-of-the-test'
export const providerKinds = {
  compatible: (url: string, model: string) => ({ url, model, apiKey }),
  chat: (url: string, model: string) => createOpenAI({ baseURL: url, apiKey }).chat(model),
  responses: (url: string, model: string) => createOpenAI({ baseURL: url, apiKey })(model),
  anthropic: (url: string, model: string) => createAnthropic({ baseURL: url, apiKey })(model),
  google: (url: string, model: string) => createGoogle({ baseURL: url, apiKey })(model),
  bedrock: (url: string, model: string) => createAmazonBedrock({ baseURL: url, region: 'eu-central-1', apiKey })(model),
} satisfies Readonly<Record<string, (url: string, model: string) => ModelSpec>>
export type ProviderKind = keyof typeof providerKinds

const modelNames: { readonly [kind in ProviderKind]: string } = {
  compatible: 'test',
  chat: 'gpt-5.4',
  responses: 'gpt-5.4',
  anthropic: 'claude-sonnet-4-5',
  google: 'gemini-2.5-pro',
  bedrock: 'anthropic.claude-sonnet-4-5-20250929-v1:0',
}

export const modelOf = (kind: ProviderKind, url: string): ModelSpec => providerKinds[kind](url, modelNames[kind])

const googleAnswer = {
  candidates: [{ content: { role: 'model', parts: [{ text: 'one' }] }, finishReason: 'STOP' }],
  usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 3, totalTokenCount: 10 },
}
const bedrockAnswer = {
  output: { message: { role: 'assistant', content: [{ text: 'one' }] } },
  stopReason: 'end_turn',
  usage: { inputTokens: 7, outputTokens: 3, totalTokens: 10 },
}
/** An answer of one word. */
export const oneWord: { readonly [kind in ProviderKind]: ScriptedResponse } = {
  compatible: { text: 'one' },
  chat: { text: 'one' },
  responses: { text: 'one' },
  anthropic: { text: 'one' },
  google: { raw: googleAnswer },
  bedrock: { raw: bedrockAnswer },
}

const inputSchema = { type: 'object' as const, properties: { q: { type: 'string' as const } } }
const look = { type: 'function' as const, name: 'look', description: 'Looks.', inputSchema }
export const shortPrompt: ModelCall['prompt'] = [
  { role: 'system', content: 'Be short.' },
  { role: 'user', content: [{ type: 'text', text: 'hi' }] },
]

/** A prompt in which the tool `look` has returned a text and an image. */
export function promptWithToolImage(base64: string): ModelCall['prompt'] {
  const call = { toolCallId: 'call_1', toolName: 'look' }
  const image = { type: 'file' as const, mediaType: 'image/png', data: { type: 'data' as const, data: base64 } }
  const output = { type: 'content' as const, value: [{ type: 'text' as const, text: 'seen' }, image] }
  return [
    ...shortPrompt,
    { role: 'assistant', content: [{ type: 'tool-call', ...call, input: {} }] },
    { role: 'tool', content: [{ type: 'tool-result', ...call, output }] },
  ]
}

export async function openProviderTestbed(
  kind: ProviderKind,
  replies: readonly ScriptedResponse[] = [oneWord[kind]],
  events: Events = createEvents(() => {}),
) {
  const server = await openProviderServer(replies)
  const models = createModels({ clock: systemClock, random: seededRandom(1), events })
  const spec = modelOf(kind, server.url)
  const ask = (call: Partial<ModelCall> = {}) =>
    models.call([spec], { user: 'u', prompt: shortPrompt, tools: [look], ...call })
  return { ask, spec, asked: server.asked, close: () => server.close() }
}

/**
 * Returns the request of `second` in a turn after one that `first` has answered, and the result of that turn. `first` fails
 * in it unless both are the same.
 */
export async function requestAfter(
  { first, answer, tools = [] }: { first: ProviderKind; answer: object; tools?: LlmAgentOptions['tools'] },
  second: ProviderKind,
) {
  const failing: ScriptedResponse = { fault: { kind: 'status', status: 400 } }
  const servers = {
    first: await openProviderServer([{ raw: answer }, first === second ? oneWord[first] : failing]),
    second: await openProviderServer([oneWord[second]]),
  }
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  onTestFinished(async () => {
    await troupe.close()
    servers.first.close()
    servers.second.close()
  })
  const chain = [modelOf(first, servers.first.url), modelOf(second, servers.second.url)]
  const session = troupe.user('ada').session(new LlmAgent({ name: 'Clerk', model: chain, tools }))
  expect((await session.run('How is the weather?')).success).toBe(true)
  const result = await session.run('And tomorrow?')
  const request = first === second ? servers.first.asked[1] : servers.second.asked[0]
  return { result, request: JSON.stringify(request?.body) }
}
