/**
 * Translates the settings to each provider's options of the AI SDK. A setting that a provider does not support is an
 * error before the call: the AI SDK would drop it with a warning.
 */
import type { SharedV4ProviderOptions } from '@ai-sdk/provider'
import { failure, type Json } from '../../core/index.ts'
import type { ModelSpec, ModelTarget } from '../models-port.ts'
import type { CallSettings } from './call-settings.ts'

type Options = { [option: string]: Json | undefined }
type Tier = NonNullable<CallSettings['serviceTier']>

export interface ProviderSettings {
  /** The name under which the provider reads its options; by default the first part of its name. */
  readonly namespace?: string
  /** The names of settings that it does not support. */
  readonly rejects: readonly string[]
  /** The provider's names of service tiers, by ours. Undefined: the tier does not exist. */
  readonly tiers: { readonly [tier in Tier]?: string }
  readonly options: (settings: CallSettings) => Options
}

const openAiTiers = { auto: 'auto', default: 'default', flex: 'flex', priority: 'priority' }
const openAiOptions = ({ parallelToolCalls, logprobs }: CallSettings): Options => ({ parallelToolCalls, logprobs })

const table = {
  'openai.responses': {
    namespace: 'openai',
    rejects: ['seed', 'stop', 'reasoning.maxTokens'],
    tiers: openAiTiers,
    options: openAiOptions,
  },
  'openai.chat': { namespace: 'openai', rejects: ['reasoning.maxTokens'], tiers: openAiTiers, options: openAiOptions },
  anthropic: {
    namespace: 'anthropic',
    rejects: ['seed', 'logprobs'],
    tiers: { auto: 'auto', default: 'standard_only' },
    options: ({ parallelToolCalls, reasoning }) => ({
      disableParallelToolUse: parallelToolCalls === undefined ? undefined : !parallelToolCalls,
      thinking: reasoning?.maxTokens === undefined ? undefined : { type: 'enabled', budgetTokens: reasoning.maxTokens },
    }),
  },
  google: {
    namespace: 'google',
    rejects: ['parallelToolCalls', 'logprobs'],
    tiers: { default: 'standard', flex: 'flex', priority: 'priority' },
    options: ({ reasoning }) => ({
      thinkingConfig:
        reasoning?.maxTokens === undefined ? undefined : { thinkingBudget: reasoning.maxTokens, includeThoughts: true },
    }),
  },
  'amazon-bedrock': {
    namespace: 'amazonBedrock',
    rejects: ['seed', 'parallelToolCalls', 'logprobs'],
    tiers: { default: 'default', flex: 'flex', priority: 'priority' },
    options: ({ reasoning }) => ({
      reasoningConfig:
        reasoning?.maxTokens === undefined ? undefined : { type: 'enabled', budgetTokens: reasoning.maxTokens },
    }),
  },
  /** Fields of the request in the form of OpenAI's chat API. The package passes unknown fields on. */
  compatible: {
    rejects: ['reasoning.maxTokens'],
    tiers: openAiTiers,
    options: ({ parallelToolCalls, logprobs }) => ({
      parallel_tool_calls: parallelToolCalls,
      logprobs: logprobs ? true : undefined,
      top_logprobs: typeof logprobs === 'number' ? logprobs : undefined,
    }),
  },
  other: {
    rejects: ['reasoning.maxTokens', 'parallelToolCalls', 'logprobs'],
    tiers: {},
    options: () => ({}),
  },
} satisfies Readonly<Record<string, ProviderSettings>>

export type ProviderKind = keyof typeof table

/** Returns the provider of a spec without loading its package. */
export function providerKindOf(spec: ModelSpec): ProviderKind {
  if (typeof spec === 'object' && 'url' in spec) return 'compatible'
  if (typeof spec === 'object' && 'settings' in spec) return providerKindOf(spec.model)
  const provider = typeof spec === 'string' ? spec.slice(0, spec.indexOf('/')) : String(spec.provider)
  const [name, kind] = provider.split('.')
  // `openai/NAME` uses OpenAI's Responses API, which is the default of the package.
  if (name === 'openai' || name === 'azure') return kind === 'chat' ? 'openai.chat' : 'openai.responses'
  if (name === 'anthropic' || name === 'google' || name === 'amazon-bedrock') return name
  return 'other'
}

/** @throws ValidationError `model.setting` that names the setting that the provider does not support */
export function checkTakes(name: string, kind: ProviderKind, settings: CallSettings, target: ModelTarget): void {
  const { rejects, tiers }: ProviderSettings = table[kind]
  const { seed, stop, reasoning, parallelToolCalls, logprobs, serviceTier } = settings
  const wanted = {
    seed,
    stop: stop?.length ? stop : undefined,
    'reasoning.maxTokens': reasoning?.maxTokens,
    parallelToolCalls,
    logprobs: logprobs || undefined,
  }
  const lacking = rejects.find((setting) => wanted[setting as keyof typeof wanted] !== undefined)
  if (lacking !== undefined) throw failure('model.setting', { model: name, setting: lacking })
  // The specification of AI SDK 6 has no field for it.
  const isVersion3 = typeof target === 'object' && 'doGenerate' in target && target.specificationVersion === 'v3'
  if (isVersion3 && reasoning) throw failure('model.setting', { model: name, setting: 'reasoning.effort' })
  if (serviceTier !== undefined && serviceTier !== 'auto' && tiers[serviceTier] === undefined)
    throw failure('model.setting', { model: name, setting: `serviceTier '${serviceTier}'` })
}

/**
 * Returns the provider's options for the settings. Options that the caller gives take precedence.
 * @param provider its name in the AI SDK
 */
export function providerOptionsOf(
  kind: ProviderKind,
  provider: string,
  settings: CallSettings,
): SharedV4ProviderOptions | undefined {
  const { namespace = provider.split('.', 1)[0] ?? provider, tiers, options }: ProviderSettings = table[kind]
  const { serviceTier, providerOptions } = settings
  const tier = serviceTier && tiers[serviceTier]
  const all = { ...options(settings), [kind === 'compatible' ? 'service_tier' : 'serviceTier']: tier }
  const own = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Options
  const ownOptions = {
    ...(kind === 'compatible' ? providerOptions?.openaiCompatible : {}),
    ...providerOptions?.[namespace],
  }
  if (Object.keys(own).length + Object.keys(ownOptions).length === 0) return providerOptions
  return { ...providerOptions, [namespace]: { ...own, ...ownOptions } } as SharedV4ProviderOptions
}
