/**
 * Replaces ids of tool calls that a provider rejects. The calls of a thread may come from another provider of the chain, which
 * may give ids such as `functions.search:0`. Anthropic and Bedrock accept only letters, digits, `_` and `-`; OpenAI accepts 40
 * characters. Ids for a server at a URL stay: some gateways store data in the ids that they give.
 */
import type { LanguageModelV4CallOptions, LanguageModelV4Message } from '@ai-sdk/provider'
import { hashText } from '../../core/index.ts'
import type { ProviderKind } from './provider-settings.ts'

const strict: readonly ProviderKind[] = ['anthropic', 'amazon-bedrock', 'openai.chat', 'openai.responses']
const accepted = /^[\w-]{1,40}$/

export function withCallIds(kind: ProviderKind, options: LanguageModelV4CallOptions): LanguageModelV4CallOptions {
  return strict.includes(kind) ? { ...options, prompt: options.prompt.map(acceptable) } : options
}

function acceptable(message: LanguageModelV4Message): LanguageModelV4Message {
  if (message.role !== 'assistant' && message.role !== 'tool') return message
  const content = message.content.map((part) => {
    // The provider itself gave the id of a call that it executed.
    const isOwn = message.role === 'assistant' && (part.type !== 'tool-call' || part.providerExecuted)
    if (isOwn || !('toolCallId' in part) || accepted.test(part.toolCallId)) return part
    return { ...part, toolCallId: `call_${hashText(part.toolCallId).slice(0, 32)}` }
  })
  return { ...message, content } as LanguageModelV4Message
}
