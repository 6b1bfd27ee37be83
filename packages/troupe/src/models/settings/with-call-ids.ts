/**
 * Replaces ids of tool calls that a provider rejects. The calls of a thread may come from another provider of the chain, which
 * may give ids such as `functions.search:0`. Anthropic and Bedrock accept only letters, digits, `_` and `-`; OpenAI accepts 40
 * characters; Mistral accepts nine letters and digits. Ids for a server at a URL stay: some gateways store data in the ids
 * that they give.
 */
import type { LanguageModelV4CallOptions, LanguageModelV4Message } from '@ai-sdk/provider'
import { hashText } from '../../core/index.ts'
import { providerOf } from './maker-of.ts'
import type { ProviderKind } from './provider-settings.ts'

interface IdRule {
  readonly accepted: RegExp
  /** Returns another id, from a hash in hexadecimal digits. */
  readonly replace: (hash: string) => string
}
const general: IdRule = { accepted: /^[\w-]{1,40}$/, replace: (hash) => `call_${hash.slice(0, 32)}` }
const ofMistral: IdRule = { accepted: /^[A-Za-z0-9]{9}$/, replace: (hash) => hash.slice(0, 9) }
const strict: readonly ProviderKind[] = ['anthropic', 'amazon-bedrock', 'openai.chat', 'openai.responses']

/** @param model `provider/model` that gets the prompt */
export function withCallIds(
  kind: ProviderKind,
  model: string,
  options: LanguageModelV4CallOptions,
): LanguageModelV4CallOptions {
  const isMistral = kind === 'other' && providerOf(model) === 'mistral'
  const rule = isMistral ? ofMistral : strict.includes(kind) ? general : undefined
  return rule ? { ...options, prompt: options.prompt.map((message) => acceptable(message, rule)) } : options
}

function acceptable(message: LanguageModelV4Message, { accepted, replace }: IdRule): LanguageModelV4Message {
  if (message.role !== 'assistant' && message.role !== 'tool') return message
  const content = message.content.map((part) => {
    // The provider itself gave the id of a call that it executed.
    const isOwn = message.role === 'assistant' && (part.type !== 'tool-call' || part.providerExecuted)
    if (isOwn || !('toolCallId' in part) || accepted.test(part.toolCallId)) return part
    return { ...part, toolCallId: replace(hashText(part.toolCallId)) }
  })
  return { ...message, content } as LanguageModelV4Message
}
