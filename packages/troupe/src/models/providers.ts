/// <reference path="./provider-packages.d.ts" />
/** The providers with which a model name may begin. Their packages are optional and are loaded at first use. */
import { createRequire } from 'node:module'
import type { EmbeddingModelV4, LanguageModelV4, RerankingModelV4 } from '@ai-sdk/provider'
import { failure, loadOptional } from '../core/index.ts'

export interface Provider {
  readonly package: string
  /** The function of the package that creates a provider. */
  readonly create: string
  /** The environment variable with the API key. */
  readonly key: string
}

export const providers: Readonly<Record<string, Provider>> = {
  anthropic: { package: '@ai-sdk/anthropic', create: 'createAnthropic', key: 'ANTHROPIC_API_KEY' },
  openai: { package: '@ai-sdk/openai', create: 'createOpenAI', key: 'OPENAI_API_KEY' },
  google: { package: '@ai-sdk/google', create: 'createGoogleGenerativeAI', key: 'GOOGLE_GENERATIVE_AI_API_KEY' },
  mistral: { package: '@ai-sdk/mistral', create: 'createMistral', key: 'MISTRAL_API_KEY' },
  groq: { package: '@ai-sdk/groq', create: 'createGroq', key: 'GROQ_API_KEY' },
  xai: { package: '@ai-sdk/xai', create: 'createXai', key: 'XAI_API_KEY' },
  deepseek: { package: '@ai-sdk/deepseek', create: 'createDeepSeek', key: 'DEEPSEEK_API_KEY' },
  cohere: { package: '@ai-sdk/cohere', create: 'createCohere', key: 'COHERE_API_KEY' },
}

/** The environment variables that may hold API keys. */
export const providerKeys: readonly string[] = Object.values(providers).map(({ key }) => key)

/** A provider, which is called with the name of a model. */
export interface ProviderInstance {
  (model: string): LanguageModelV4
  embeddingModel?(model: string): EmbeddingModelV4
  rerankingModel?(model: string): RerankingModelV4
}

/** Loads the package of a provider. A port, so that tests need no installed package. */
export type Load = (packageName: string) => Promise<Readonly<Record<string, unknown>>>
export const loadPackage: Load = async (packageName) => {
  const load = Object.hasOwn(packages, packageName) ? packages[packageName] : undefined
  if (!load) throw failure('invariant.broken', { rule: `${packageName} is the package of a provider` })
  return loadOptional('The model', packageName, load)
}

/** Each name is a literal, because a bundler that bundles an application cannot find the package of a computed name. */
const packages: Readonly<Record<string, () => Promise<Readonly<Record<string, unknown>>>>> = {
  '@ai-sdk/anthropic': () => import('@ai-sdk/anthropic'),
  '@ai-sdk/openai': () => import('@ai-sdk/openai'),
  '@ai-sdk/google': () => import('@ai-sdk/google'),
  '@ai-sdk/mistral': () => import('@ai-sdk/mistral'),
  '@ai-sdk/groq': () => import('@ai-sdk/groq'),
  '@ai-sdk/xai': () => import('@ai-sdk/xai'),
  '@ai-sdk/deepseek': () => import('@ai-sdk/deepseek'),
  '@ai-sdk/cohere': () => import('@ai-sdk/cohere'),
}

/** Returns whether a package can be found, without loading it; true if only its load would show that. */
export type IsInstalled = (packageName: string) => boolean
export const isInstalled: IsInstalled = (packageName) =>
  // A program of one file, in which this package is not found either, may contain the package of the provider.
  canBeFound(packageName) || !canBeFound('troupe/package.json')

function canBeFound(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name)
    return true
  } catch (error) {
    // A package that allows only `import` is found, although `require` rejects it.
    return (error as { readonly code?: string }).code !== 'MODULE_NOT_FOUND'
  }
}
