/** Wraps a language model so that it is asked for no more tokens than a budget leaves. */
import type { LanguageModelV4, LanguageModelV4CallOptions } from '@ai-sdk/provider'

/** Models in use can answer more than this. Many providers reject a call that asks for more than the model can answer. */
const highestBound = 16_384

/** @param tokensLeft above 16,384 the call is not bounded */
export function boundedModel(model: LanguageModelV4, tokensLeft: number | undefined): LanguageModelV4 {
  if (tokensLeft === undefined || tokensLeft > highestBound) return model
  const bounded = (options: LanguageModelV4CallOptions) => ({
    ...options,
    maxOutputTokens: Math.max(1, Math.min(options.maxOutputTokens ?? tokensLeft, tokensLeft)),
  })
  return {
    specificationVersion: model.specificationVersion,
    provider: model.provider,
    modelId: model.modelId,
    supportedUrls: model.supportedUrls,
    doGenerate: (options) => model.doGenerate(bounded(options)),
    doStream: (options) => model.doStream(bounded(options)),
  }
}
