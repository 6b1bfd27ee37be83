/**
 * Omits the tool calls that another provider executed itself, with their results. Services reject them: as calls without a
 * result, as references to what they did not store, or as results in an unknown form. The texts of the answer stay.
 */
import type { LanguageModelV4CallOptions, LanguageModelV4Message, SharedV4ProviderOptions } from '@ai-sdk/provider'
import type { ProviderKind } from './provider-settings.ts'

type AssistantMessage = Extract<LanguageModelV4Message, { role: 'assistant' }>

/** The providers whose packages send such calls as calls of the application. */
const unable: readonly ProviderKind[] = ['openai.chat', 'compatible', 'amazon-bedrock']

/**
 * Returns the mark of a call that its provider executed, or of its result.
 * @param model `provider/model` that made the call
 */
export const executedBy = (model: string): SharedV4ProviderOptions => ({ troupe: { executedBy: model } })

/** @param model `provider/model` that gets the prompt */
export function withExecutedCalls(
  kind: ProviderKind,
  model: string,
  options: LanguageModelV4CallOptions,
): LanguageModelV4CallOptions {
  const isForeign = (part: AssistantMessage['content'][number]) => {
    if (part.type !== 'tool-result' && !(part.type === 'tool-call' && part.providerExecuted)) return false
    const by = part.providerOptions?.troupe?.executedBy
    return unable.includes(kind) || (typeof by === 'string' && providerOf(by) !== providerOf(model))
  }
  const prompt = options.prompt.flatMap((message) => {
    if (message.role !== 'assistant' || !message.content.some(isForeign)) return [message]
    const content = message.content.filter((part) => !isForeign(part))
    return content.every(({ type }) => type === 'reasoning') ? [] : [{ ...message, content }]
  })
  return { ...options, prompt }
}

/** Returns `openai` for `openai/gpt-5.4` and for `openai.responses/gpt-5.4`. */
const providerOf = (model: string) => model.split(/[./]/, 1)[0]
