/**
 * Wraps a model with the settings of a call. The settings are passed under `troupe` in the provider options, so that a
 * recorded request holds the settings and not the form of one provider.
 */
import type { LanguageModelV4, LanguageModelV4CallOptions, SharedV4ProviderOptions } from '@ai-sdk/provider'
import type { CallSettings } from './call-settings.ts'
import { type ProviderKind, providerOptionsOf } from './provider-settings.ts'
import { withCallIds } from './with-call-ids.ts'
import { withExecutedCalls } from './with-executed-calls.ts'
import { withPromptCache } from './with-prompt-cache.ts'
import { withReasoning } from './with-reasoning.ts'
import { withToolFiles } from './with-tool-files.ts'

type Carried = Pick<CallSettings, 'reasoning' | 'serviceTier' | 'promptCache' | 'parallelToolCalls' | 'logprobs'>

/** Returns the settings for which the AI SDK has no field; undefined if none is set. */
export function carriedSettings(settings: CallSettings): SharedV4ProviderOptions | undefined {
  const { providerOptions, serviceTier, promptCache, parallelToolCalls, logprobs, reasoning } = settings
  const carried = Object.fromEntries(
    Object.entries({
      serviceTier,
      promptCache,
      parallelToolCalls,
      logprobs,
      reasoning: reasoning?.maxTokens === undefined ? undefined : reasoning,
    }).filter(([, value]) => value !== undefined),
  )
  return Object.keys(carried).length === 0 ? providerOptions : { ...providerOptions, troupe: carried as never }
}

/** @param name `provider/model` as its callers know it */
export function withSettings(model: LanguageModelV4, kind: ProviderKind, name: string): LanguageModelV4 {
  const { specificationVersion, provider, modelId, supportedUrls } = model
  const applied = (options: LanguageModelV4CallOptions): LanguageModelV4CallOptions => {
    const { troupe, ...others } = options.providerOptions ?? {}
    const settings = (troupe ?? {}) as Carried
    const providerOptions = providerOptionsOf(kind, provider, { ...settings, providerOptions: others })
    const readable = withReasoning(kind, name, withExecutedCalls(kind, name, options))
    const asked = {
      ...withCallIds(kind, name, withToolFiles(kind, readable)),
      ...(providerOptions && Object.keys(providerOptions).length > 0 ? { providerOptions } : {}),
    }
    if (providerOptions === undefined || Object.keys(providerOptions).length === 0) delete asked.providerOptions
    return settings.promptCache === false ? asked : withPromptCache(kind, modelId, asked)
  }
  return {
    specificationVersion,
    provider,
    modelId,
    supportedUrls,
    doGenerate: (options) => model.doGenerate(applied(options)),
    doStream: (options) => model.doStream(applied(options)),
  }
}
