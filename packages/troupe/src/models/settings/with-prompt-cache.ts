/**
 * Marks the stable part of a prompt for providers whose cache needs it: Anthropic and Bedrock use breakpoints, OpenAI uses a
 * key. Other providers cache a prefix without marks.
 */
import type { LanguageModelV4CallOptions, LanguageModelV4Message, SharedV4ProviderOptions } from '@ai-sdk/provider'
import { hashJson, type Json } from '../../core/index.ts'
import type { ProviderKind } from './provider-settings.ts'

/** Bedrock rejects a cache point for other models. */
const cachedByBedrock = /anthropic\.claude|amazon\.nova/

export function withPromptCache(
  kind: ProviderKind,
  modelId: string,
  options: LanguageModelV4CallOptions,
): LanguageModelV4CallOptions {
  if (kind === 'anthropic') return withBreakpoints(options, { anthropic: { cacheControl: { type: 'ephemeral' } } })
  if (kind === 'amazon-bedrock' && cachedByBedrock.test(modelId))
    return withBreakpoints(options, { amazonBedrock: { cachePoint: { type: 'default' } } })
  if (kind !== 'openai.chat' && kind !== 'openai.responses') return options
  const { providerOptions } = options
  const openai = { promptCacheKey: cacheKeyOf(options), ...providerOptions?.openai }
  return { ...options, providerOptions: { ...providerOptions, openai } }
}

/** The cache key is equal for all calls of one thread: the system text, the tools and the first message. */
function cacheKeyOf({ prompt, tools = [] }: LanguageModelV4CallOptions): string {
  const begin = prompt.slice(0, prompt.findIndex(({ role }) => role !== 'system') + 1)
  const first = begin.map(({ role, content }) => [role, content])
  return hashJson([JSON.stringify(first), tools.map(({ name }) => name)] as Json).slice(0, 32)
}

/**
 * Sets a breakpoint after the system text, which follows the tools, and one after the newest message if another call is
 * expected: a write to the cache costs more than one read of the prompt.
 */
function withBreakpoints(options: LanguageModelV4CallOptions, mark: SharedV4ProviderOptions) {
  const { prompt, tools = [] } = options
  const marked = (message: LanguageModelV4Message): LanguageModelV4Message => ({
    ...message,
    providerOptions: { ...message.providerOptions, ...mark },
  })
  const hasNext = tools.length > 0 || prompt.some(({ role }) => role === 'assistant')
  const isMarked = ({ role }: LanguageModelV4Message, i: number) =>
    (i === 0 && role === 'system') || (hasNext && i > 0 && i === prompt.length - 1)
  return { ...options, prompt: prompt.map((message, i) => (isMarked(message, i) ? marked(message) : message)) }
}
