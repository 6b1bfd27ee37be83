/** The providers that a name may begin with. Their packages are optional and loaded at first use. */
import { createRequire } from 'node:module'
import type { EmbeddingModelV4, LanguageModelV4 } from '@ai-sdk/provider'

export interface Provider {
  readonly package: string
  /** The function of the package that makes a provider. */
  readonly create: string
  /** The variable of the environment that holds the API key. */
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

/** The variables of the environment in which keys are looked for. */
export const providerKeys: readonly string[] = Object.values(providers).map(({ key }) => key)

/** What a provider's factory makes: callable by the name of a model. */
export interface ProviderInstance {
  (model: string): LanguageModelV4
  embeddingModel?(model: string): EmbeddingModelV4
}

/** Loads a package; a port, so that tests need none installed. */
export type Load = (packageName: string) => Promise<Readonly<Record<string, unknown>>>
export const loadPackage: Load = (packageName) => import(packageName)

/** Whether a package would be found, without loading it. */
export type IsInstalled = (packageName: string) => boolean
export const isInstalled: IsInstalled = (packageName) => {
  try {
    createRequire(import.meta.url).resolve(packageName)
    return true
  } catch (error) {
    // One that is for `import` alone is found, and refused to `require`.
    return (error as { readonly code?: string }).code !== 'MODULE_NOT_FOUND'
  }
}
