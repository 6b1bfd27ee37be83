/**
 * Omits reasoning that another model made. Services reject a request with reasoning that their model cannot read: Groq for a
 * model without reasoning, Mistral and Cerebras for a field that they do not know.
 */
import type { LanguageModelV4CallOptions, LanguageModelV4Message } from '@ai-sdk/provider'
import { makerOf, providerOf } from './maker-of.ts'
import type { ProviderKind } from './provider-settings.ts'

/** The providers that sign or encrypt reasoning, for all of their models. */
const signing: readonly ProviderKind[] = ['anthropic', 'amazon-bedrock', 'google', 'openai.chat', 'openai.responses']

/** @param model `provider/model` that gets the prompt */
export function withReasoning(
  kind: ProviderKind,
  model: string,
  options: LanguageModelV4CallOptions,
): LanguageModelV4CallOptions {
  const isOwn = (maker: string) => (signing.includes(kind) ? providerOf(maker) === providerOf(model) : maker === model)
  const prompt = options.prompt.flatMap((message): LanguageModelV4Message[] => {
    if (message.role !== 'assistant') return [message]
    const content = message.content.filter((part) => part.type !== 'reasoning' || isOwn(makerOf(part) ?? model))
    if (content.length === message.content.length) return [message]
    return content.length === 0 ? [] : [{ ...message, content }]
  })
  return { ...options, prompt }
}
