/**
 * Asks OpenAI not to store requests to a model named `openai/…` and its answers: its Responses API stores both for 30
 * days by default. A model object of the caller decides this by its settings.
 */
import type { LanguageModelV4, LanguageModelV4CallOptions } from '@ai-sdk/provider'

export function unstored(model: LanguageModelV4): LanguageModelV4 {
  if (!model.provider.startsWith('openai.')) return model
  const { specificationVersion, provider, modelId, supportedUrls } = model
  return {
    specificationVersion,
    provider,
    modelId,
    supportedUrls,
    doGenerate: (options) => model.doGenerate(withoutStorage(options)),
    doStream: (options) => model.doStream(withoutStorage(options)),
  }
}

const withoutStorage = (options: LanguageModelV4CallOptions): LanguageModelV4CallOptions => ({
  ...options,
  providerOptions: { ...options.providerOptions, openai: { store: false, ...options.providerOptions?.openai } },
})
