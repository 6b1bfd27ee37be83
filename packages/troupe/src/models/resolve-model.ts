/** Turns what an agent names into a model object, loading its provider at first use. */
import type { LanguageModelV4 } from '@ai-sdk/provider'
import { failure, nearest } from '../core/index.ts'
import { extractiveModel } from './extractive/index.ts'
import type { CompatibleModel, ModelSpec } from './models-port.ts'
import { type Load, type ProviderInstance, providers } from './providers.ts'

/** `provider/model`; a provider's object calls itself `openai.chat`, which is the same account as `openai`. */
export function nameOf(spec: ModelSpec): string {
  if (typeof spec === 'string') return spec
  if ('url' in spec) return `${hostOf(spec.url)}/${spec.model}`
  return `${spec.provider.split('.')[0]}/${spec.modelId}`
}

const hostOf = (url: string) => (URL.canParse(url) ? new URL(url).host : url)

export interface Resolver {
  resolve(spec: ModelSpec): Promise<LanguageModelV4>
}

export function createResolver(options: {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly load: Load
}): Resolver {
  const made = new Map<string, Promise<LanguageModelV4>>()
  const named = (name: string) => {
    let model = made.get(name)
    if (!model) {
      model = resolveName(name, options)
      made.set(name, model)
      // Installing the package or setting the key may follow: a failure is not remembered.
      model.catch(() => made.delete(name))
    }
    return model
  }
  return {
    async resolve(spec) {
      if (typeof spec === 'string') return named(spec)
      if ('url' in spec) return compatible(spec)
      if (spec.specificationVersion !== 'v4')
        throw unknown(nameOf(spec), `it speaks specification ${String(spec.specificationVersion)}, not v4`)
      return spec
    },
  }
}

const unknown = (model: string, problem: string) =>
  failure('model.unknown', { model, problem, known: ['offline', ...Object.keys(providers)].join(', ') })

async function compatible(spec: CompatibleModel): Promise<LanguageModelV4> {
  if (!URL.canParse(spec.url)) throw unknown(spec.model, 'its url is not a URL')
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
  const provider = createOpenAICompatible({
    name: hostOf(spec.url).replaceAll('.', '-'),
    baseURL: spec.url.replace(/\/+$/, ''),
    includeUsage: true,
    supportsStructuredOutputs: true,
    ...(spec.apiKey === undefined ? {} : { apiKey: spec.apiKey }),
  })
  return provider.chatModel(spec.model)
}

async function resolveName(
  name: string,
  { env, load }: { readonly env: Readonly<Record<string, string | undefined>>; readonly load: Load },
): Promise<LanguageModelV4> {
  const slash = name.indexOf('/')
  if (slash < 1 || slash === name.length - 1) throw unknown(name, "it is not of the form 'provider/model'")
  const [prefix, model] = [name.slice(0, slash), name.slice(slash + 1)]
  if (prefix === 'offline') {
    if (model !== 'extractive') throw unknown(name, 'the only offline model is offline/extractive')
    return extractiveModel()
  }
  const provider = providers[prefix]
  if (!provider) {
    const near = nearest(prefix, Object.keys(providers))
    throw unknown(name, `the provider ${prefix} is not known${near ? `; did you mean ${near}?` : ''}`)
  }
  const apiKey = env[provider.key] ?? (env.AGENT_MODEL?.startsWith(`${prefix}/`) ? env.AGENT_API_KEY : undefined)
  const loaded = await load(provider.package).catch((cause: unknown) => {
    throw failure('model.not_installed', { model: name, package: provider.package }, { cause })
  })
  if (!apiKey) throw failure('model.key_missing', { model: name, variable: provider.key })
  const create = loaded[provider.create]
  if (typeof create !== 'function')
    throw unknown(name, `${provider.package} has no ${provider.create}: another major version`)
  return (create as (settings: { apiKey: string }) => ProviderInstance)({ apiKey })(model)
}
