/**
 * Omits the tool calls that another provider executed itself, with their results. Services reject them: as calls without a
 * result, as references to what they did not store, or as results in an unknown form. The texts of the answer stay.
 */
import type { LanguageModelV4CallOptions, LanguageModelV4Message } from '@ai-sdk/provider'
import { makerOf, providerOf } from './maker-of.ts'
import type { ProviderKind } from './provider-settings.ts'

type AssistantMessage = Extract<LanguageModelV4Message, { role: 'assistant' }>

/** The providers whose packages send such calls as calls of the application. */
const unable: readonly ProviderKind[] = ['openai.chat', 'compatible', 'amazon-bedrock']

/** @param model `provider/model` that gets the prompt */
export function withExecutedCalls(
  kind: ProviderKind,
  model: string,
  options: LanguageModelV4CallOptions,
): LanguageModelV4CallOptions {
  const isForeign = (part: AssistantMessage['content'][number]) => {
    if (part.type !== 'tool-result' && !(part.type === 'tool-call' && part.providerExecuted)) return false
    const maker = makerOf(part)
    return unable.includes(kind) || (maker !== undefined && providerOf(maker) !== providerOf(model))
  }
  const prompt = options.prompt.flatMap((message) => {
    if (message.role !== 'assistant' || !message.content.some(isForeign)) return [message]
    const content = message.content.filter((part) => !isForeign(part))
    return content.every(({ type }) => type === 'reasoning') ? [] : [{ ...message, content }]
  })
  return { ...options, prompt }
}
