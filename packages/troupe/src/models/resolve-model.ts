/** Resolves the model that an agent names to a model object and loads its provider at first use. */
import type { EmbeddingModelV4, LanguageModelV4, RerankingModelV4 } from '@ai-sdk/provider'
import { failure, lruCache, nearest, readable, show, TroupeError } from '../core/index.ts'
import type { BoundedEvaluator, Fetch, SecretText } from '../security/index.ts'
import { convertEmbeddingModel, convertLanguageModel, convertRerankingModel } from './answers/convert-models.ts'
import { logprobsExtractor } from './answers/logprobs-extractor.ts'
import { unstored } from './answers/unstored.ts'
import { withForms } from './answers/with-forms.ts'
import { withStream } from './answers/with-stream.ts'
import { extractiveModel } from './extractive/index.ts'
import type { CompatibleModel, EmbeddingSpec, ModelSpec, ModelTarget, RerankingSpec } from './models-port.ts'
import { type IsInstalled, type Load, type Provider, type ProviderInstance, providers } from './providers.ts'
import type { CallSettings } from './settings/call-settings.ts'
import { providerKindOf } from './settings/provider-settings.ts'
import { withSettings } from './settings/with-settings.ts'
import { rerankEndpoint } from './texts/rerank-endpoint.ts'

/** `provider/model`. A model object may name its provider `openai.chat`, which is the same account as `openai`. */
export function modelNameOf(spec: ModelSpec | EmbeddingSpec | RerankingSpec): string {
  if (typeof spec === 'string') return spec
  if ('settings' in spec && !('url' in spec)) return modelNameOf(spec.model)
  if ('url' in spec) return `${hostOf(spec.url)}/${spec.model}`
  return `${show(spec.provider).split('.')[0]}/${show(spec.modelId)}`
}

/** The model object with the settings of its registration. */
export function withoutSettings(spec: ModelSpec): {
  readonly target: ModelTarget
  readonly settings?: CallSettings | undefined
} {
  if (typeof spec === 'string') return { target: spec }
  if ('url' in spec) return { target: spec, settings: spec.settings }
  return 'settings' in spec ? { target: spec.model, settings: spec.settings } : { target: spec }
}

const hostOf = (url: string) => (URL.canParse(url) ? new URL(url).host : url)

export interface Resolver {
  resolve(spec: ModelTarget): Promise<LanguageModelV4>
  resolveEmbedding(spec: EmbeddingSpec): Promise<EmbeddingModelV4>
  resolveReranking(spec: RerankingSpec): Promise<RerankingModelV4>
  /** Returns why the model cannot be loaded, as far as this can be told without loading its package. */
  obstacle(spec: ModelTarget): TroupeError | undefined
  /** Returns why its API key is not available now. */
  missingKey(spec: ModelTarget): Promise<TroupeError | undefined>
}

export type FetchTo = (url: string) => Fetch

export type Reveal = (text: SecretText) => Promise<string>

/** Used if no secrets are configured. */
export const plainReveal: Reveal = async (text) => {
  if (typeof text === 'string') return text
  throw failure('secret.missing', { name: text.secret })
}

interface Environment {
  readonly env: Readonly<Record<string, SecretText | undefined>>
  readonly load: Load
  readonly installed: IsInstalled
  readonly reveal: Reveal
  readonly fetchTo: FetchTo | undefined
  readonly evaluator: BoundedEvaluator | undefined
}

type AnyModel = LanguageModelV4 | EmbeddingModelV4 | RerankingModelV4

/** Versions of model objects: of AI SDK 7, and of AI SDK 6. */
const convertible = ['v4', 'v3']

/** Names come from the configurations of runs, so their number has no bound. The least recently used model is made again. */
const maxModels = 1_000

export function createResolver(options: Environment): Resolver {
  const made = lruCache<{ readonly apiKey: string | undefined; readonly model: Promise<AnyModel> }>(maxModels)
  /** A rotated key creates a new model object. */
  const once = async <Model extends AnyModel>(
    what: string,
    spec: string,
    make: (apiKey: string | undefined) => Promise<Model>,
  ) => {
    const apiKey = await keyOf(spec, options)
    const key = `${what} ${spec}`
    const known = made.get(key)
    if (known && known.apiKey === apiKey) return (await known.model) as Model
    const model = make(apiKey)
    made.set(key, { apiKey, model })
    // A failure is not cached, since the package may be installed or the key set later.
    model.catch(() => made.get(key)?.model === model && made.delete(key))
    return model
  }
  return {
    async resolve(spec) {
      if (typeof spec === 'string') return once('language', spec, (apiKey) => languageModel(spec, options, apiKey))
      if ('url' in spec) return asked((await compatible(spec, options)).chatModel(spec.model), spec)
      return asked(withStream(convertLanguageModel(ofVersion(convertible, spec))), spec)
    },
    async resolveEmbedding(spec) {
      if (typeof spec === 'string') return once('embedding', spec, (apiKey) => embeddingModel(spec, options, apiKey))
      if ('url' in spec) return (await compatible(spec, options)).embeddingModel(spec.model)
      return convertEmbeddingModel(ofVersion(convertible, spec))
    },
    async resolveReranking(spec) {
      if (typeof spec === 'string') return once('reranking', spec, (apiKey) => rerankingModel(spec, options, apiKey))
      return 'url' in spec ? rerankServer(spec, options) : convertRerankingModel(ofVersion(convertible, spec))
    },
    obstacle(spec) {
      try {
        checkSpec(spec, options)
        return undefined
      } catch (error) {
        if (error instanceof TroupeError) return error
        throw error
      }
    },
    missingKey: (spec) => missingKey(spec, options),
  }
}

/** Wraps the model; schemas are applied last, since they add options in the provider's own form. */
const asked = (model: LanguageModelV4, target: ModelTarget): LanguageModelV4 =>
  withSettings(withForms(model), providerKindOf(target), modelNameOf(target))

async function missingKey(spec: ModelTarget, environment: Environment): Promise<TroupeError | undefined> {
  try {
    if (typeof spec === 'string') {
      const { prefix } = split(spec)
      if (prefix === 'offline') return undefined
      const { key: variable } = providerOf(spec, prefix)
      if (!(await keyOf(spec, environment))) return failure('model.key_missing', { model: spec, variable })
    } else if ('url' in spec && spec.apiKey !== undefined) await environment.reveal(spec.apiKey)
    return undefined
  } catch (error) {
    // An unknown model is reported by another error.
    if (error instanceof TroupeError) return error.code.startsWith('secret.') ? error : undefined
    throw error
  }
}

/** @throws ValidationError as `resolve`, but not for a missing key: it may be set later, or in another process */
function checkSpec(spec: ModelTarget, { installed }: Environment): void {
  if (typeof spec !== 'string') {
    readable('The model', () => ('url' in spec ? checkUrl(spec) : void ofVersion(convertible, spec)))
    return
  }
  const { prefix, model } = split(spec)
  if (prefix === 'offline') {
    checkOffline(spec, model)
    return
  }
  const { package: packageName } = providerOf(spec, prefix)
  if (!installed(packageName)) throw failure('model.not_installed', { model: spec, package: packageName })
}

type ModelObject = Exclude<ModelTarget | EmbeddingSpec | RerankingSpec, string | CompatibleModel>

/** @throws ValidationError `model.unknown` for a model of another version of the AI SDK's specification */
function ofVersion<Model extends ModelObject>(accepted: readonly string[], model: Model): Model {
  const { specificationVersion: version } = model
  if (accepted.includes(version)) return model
  throw unknown(modelNameOf(model), `it has the specification ${show(version)}, not ${accepted.join(' or ')}`)
}

const unknown = (model: string, problem: string) =>
  failure('model.unknown', { model, problem, known: ['offline', ...Object.keys(providers)].join(', ') })

function checkUrl({ url, model }: CompatibleModel): void {
  if (!URL.canParse(url)) throw unknown(model, 'its url is not a URL')
}

function checkOffline(name: string, model: string): void {
  if (model !== 'extractive') throw unknown(name, 'the only offline model is offline/extractive')
}

function providerOf(name: string, prefix: string): Provider {
  const provider = Object.hasOwn(providers, prefix) ? providers[prefix] : undefined
  if (provider) return provider
  const near = nearest(prefix, ['offline', ...Object.keys(providers)])
  throw unknown(name, `the provider ${prefix} is not known${near ? `; did you mean ${near}?` : ''}`)
}

async function compatible(spec: CompatibleModel, { reveal, fetchTo }: Environment) {
  checkUrl(spec)
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
  return createOpenAICompatible({
    name: hostOf(spec.url),
    baseURL: spec.url.replace(/(?<!\/)\/+$/, ''),
    includeUsage: true,
    supportsStructuredOutputs: true,
    metadataExtractor: logprobsExtractor,
    ...(spec.apiKey === undefined ? {} : { apiKey: await reveal(spec.apiKey) }),
    ...(fetchTo ? { fetch: fetchTo(spec.url) as never } : {}),
  })
}

function split(name: string): { readonly prefix: string; readonly model: string } {
  const slash = name.indexOf('/')
  if (slash < 1 || slash === name.length - 1) throw unknown(name, "it is not of the form 'provider/model'")
  return { prefix: name.slice(0, slash), model: name.slice(slash + 1) }
}

/** Returns the API key of the provider with which the name begins. */
async function keyOf(name: string, { env, reveal }: Environment): Promise<string | undefined> {
  const prefix = name.slice(0, name.indexOf('/'))
  const provider = Object.hasOwn(providers, prefix) ? providers[prefix] : undefined
  const ofAgents = String(env.AGENT_MODEL ?? '').startsWith(`${prefix}/`) ? env.AGENT_API_KEY : undefined
  const key = provider && (env[provider.key] ?? ofAgents)
  return key ? reveal(key) : undefined
}

async function languageModel(
  name: string,
  environment: Environment,
  apiKey: string | undefined,
): Promise<LanguageModelV4> {
  const { prefix, model } = split(name)
  if (prefix === 'offline') {
    checkOffline(name, model)
    return extractiveModel(environment.evaluator)
  }
  const found = ofVersion(['v4'], (await openProvider(name, prefix, environment, apiKey))(model))
  return unstored(asked(found, name))
}

async function embeddingModel(
  name: string,
  environment: Environment,
  apiKey: string | undefined,
): Promise<EmbeddingModelV4> {
  const { prefix, model } = split(name)
  if (prefix === 'offline') throw unknown(name, 'no embedding model is built in; without one, similarity is lexical')
  const provider = await openProvider(name, prefix, environment, apiKey)
  if (typeof provider.embeddingModel !== 'function') throw unknown(name, `${prefix} has no embedding models`)
  return ofVersion(['v4'], provider.embeddingModel(model))
}

async function rerankingModel(
  name: string,
  environment: Environment,
  apiKey: string | undefined,
): Promise<RerankingModelV4> {
  const { prefix, model } = split(name)
  if (prefix === 'offline') throw unknown(name, 'no reranking model is built in')
  const provider = await openProvider(name, prefix, environment, apiKey)
  if (typeof provider.rerankingModel !== 'function') throw unknown(name, `${prefix} has no reranking models`)
  return ofVersion(['v4'], provider.rerankingModel(model))
}

async function rerankServer(spec: CompatibleModel, { reveal, fetchTo }: Environment): Promise<RerankingModelV4> {
  checkUrl(spec)
  if (!fetchTo)
    throw failure('invariant.broken', { rule: 'a reranking model at a URL is asked through the egress rules' })
  const apiKey = spec.apiKey === undefined ? {} : { apiKey: await reveal(spec.apiKey) }
  return rerankEndpoint({ url: spec.url, model: spec.model, ...apiKey }, fetchTo(spec.url))
}

async function openProvider(
  name: string,
  prefix: string,
  { load }: Environment,
  apiKey: string | undefined,
): Promise<ProviderInstance> {
  const provider = providerOf(name, prefix)
  const loaded = await load(provider.package).catch((cause: unknown) => {
    throw failure('model.not_installed', { model: name, package: provider.package }, { cause })
  })
  if (!apiKey) throw failure('model.key_missing', { model: name, variable: provider.key })
  const create = loaded[provider.create]
  if (typeof create !== 'function')
    throw unknown(name, `${provider.package} has no ${provider.create}: another major version`)
  return (create as (settings: { apiKey: string }) => ProviderInstance)({ apiKey })
}
