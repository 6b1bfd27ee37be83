/** Creates the models of one troupe. Model objects, circuit breakers, prices and cache are not shared with other troupes. */
import type { LanguageModelV4 } from '@ai-sdk/provider'
import {
  type Clock,
  checkOptions,
  type Duration,
  type Events,
  type Json,
  milliseconds,
  type Random,
  type Recording,
  TroupeError,
} from '../core/index.ts'
import { checkInteger } from '../resilience/index.ts'
import type { BoundedEvaluator, SecretText } from '../security/index.ts'
import { askChain } from './ask-chain.ts'
import { BoundedModels } from './bounded-models.ts'
import { defaultIdle } from './call-model.ts'
import { recordedModel } from './cassettes/index.ts'
import { accountOf, type BreakerOptions, createGates, type SharedLimits } from './model-gates.ts'
import { createRegistry, type ModelRegistry } from './model-registry.ts'
import type {
  EmbeddingSpec,
  ModelAnswer,
  ModelCall,
  ModelDefaults,
  ModelLimits,
  ModelObstacle,
  ModelSpec,
  Models,
  ModelTarget,
  Price,
  RerankingSpec,
} from './models-port.ts'
import { checkPrices, createPrices } from './prices.ts'
import { type IsInstalled, isInstalled, type Load, loadPackage } from './providers.ts'
import {
  createResolver,
  type FetchTo,
  modelNameOf,
  plainReveal,
  type Resolver,
  type Reveal,
  withoutSettings,
} from './resolve-model.ts'
import { createResponseCache } from './response-cache.ts'
import { checkContextWindows, createContextWindows } from './settings/context-windows.ts'
import { createEmbeddings } from './texts/embeddings.ts'
import { createReranking } from './texts/reranking.ts'

export interface ModelsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  /** `{ 'provider/model': { input, output } }` in US dollars per million tokens. Takes precedence over the built-in table. */
  readonly prices?: Readonly<Record<string, Price>>
  /** `{ 'provider/model': tokens }`. Takes precedence over the built-in table. */
  readonly contextWindows?: Readonly<Record<string, number>>
  /** The source of API keys and `AGENT_MODEL`; nothing else is read from it. */
  readonly env?: Readonly<Record<string, SecretText | undefined>>
  /** Resolves keys that are given by name. Called before each model call, since keys may change. */
  readonly reveal?: Reveal
  readonly redact?: (text: string) => string
  /** Loads an optional provider package. */
  readonly load?: Load
  /** Returns whether a package is installed. With a custom `load` it is assumed to be. */
  readonly installed?: IsInstalled
  /** Sends the requests to a model at a URL, to that host only. The global fetch by default. */
  readonly fetchTo?: FetchTo
  readonly limits?: ModelLimits
  readonly breaker?: BreakerOptions
  /** As for the gates: without it, each process has its own limits. */
  readonly shared?: SharedLimits
  /** Attempts of one model before the next of a chain is asked; 3 by default. */
  readonly attempts?: number
  /** How long a stream may be silent before it is aborted and counts as failed; 5m by default. */
  readonly idle?: Duration
  /** The cache of answers to equal requests: 1,000 answers for an hour by default. */
  readonly cache?: { readonly max?: number; readonly ttl?: Duration }
  readonly defaults?: ModelDefaults
  /** Names without a slash for models or chains. `default` is used by agents that name no model. */
  readonly registry?: ModelRegistry
  /** The embedding model for similarity; without one, similarity is lexical. */
  readonly embedding?: EmbeddingSpec
  /** The model that orders what a search has found; without one, the order of the search stays. */
  readonly reranking?: RerankingSpec
  /** Tries the patterns of schemas for the offline model. Without it, the model omits a text that a pattern must fit. */
  readonly evaluator?: BoundedEvaluator
  /** Answers instead of models, or records their answers. */
  readonly recording?: Recording
}

/** @throws ValidationError for an invalid price, limit or number */
export function createModels(options: ModelsOptions): Models {
  const { clock, random, events, recording, env = {}, reveal = plainReveal, defaults = {} } = options
  const registry = createRegistry(options.registry ?? {}, env.AGENT_MODEL as string | undefined)
  const prices = createPrices(checkPrices(options.prices ?? {}))
  const { load = loadPackage, installed = options.load ? () => true : isInstalled, fetchTo, evaluator } = options
  const resolver = createResolver({ env, load, installed, reveal, fetchTo, evaluator })
  checkOptions('models.cache', options.cache ?? {}, ['max', 'ttl'])
  const cache = createResponseCache({ ...options.cache, clock })
  const gates = createGates(options)
  const idleMs = milliseconds(options.idle ?? defaultIdle, 'models.idle', '1ms')
  const redact = options.redact ? { redact: options.redact } : {}
  const caller = {
    platform: { clock, random, events },
    prices,
    attempts: attemptsOf(options.attempts),
    idleMs,
    ...redact,
  }
  const bounds = new BoundedModels()
  const modelOf = async (spec: ModelTarget, tokensLeft: number | undefined): Promise<LanguageModelV4> => {
    if (!recording) return bounds.bounded(await resolver.resolve(spec), tokensLeft)
    if (typeof spec === 'object' && 'url' in spec && spec.apiKey) recording.redactSecret(await reveal(spec.apiKey))
    return recordedModel(recording, modelNameOf(spec), async () =>
      bounds.bounded(await resolver.resolve(spec), tokensLeft),
    )
  }
  const ports = { clock, random, events, prices, caller, gates, resolver, ...(recording ? { recording } : {}) }
  const embeddings = createEmbeddings(ports)
  return {
    nameOf: (spec) => modelNameOf(registry.first(spec)),
    embedding: options.embedding,
    reranking: options.reranking,
    rerank: createReranking(ports),
    priceOf: prices.priceOf,
    costOf: prices.costOf,
    contextWindowOf: createContextWindows(checkContextWindows(options.contextWindows ?? {})),
    defaults,
    defaultChain: registry.defaultChain,
    embed: embeddings.embed,
    async call(named, call) {
      const chain = registry.expand(named)
      const ask = () => askChain({ caller, gates, modelOf, defaults }, chain, call)
      if (!call.cache) return ask()
      // An answer that a budget may have truncated is not cached.
      const isReusable = ({ finish }: ModelAnswer) => call.tokensLeft === undefined || finish !== 'length'
      const answer = await cache.answer(call, questionOf(chain, call), ask, isReusable)
      if (answer.cached) events.emit({ type: 'model.cached', at: clock.now(), userId: call.user, model: answer.model })
      if (answer.cached)
        for (const part of answer.content)
          if (part.type === 'text') call.onPart?.({ type: 'text-delta', delta: part.text })
      return answer
    },
    ...createChainChecks({ registry, resolver, recording }),
    breakers: () => gates.breakers(),
    forget(user) {
      cache.forget(user)
      embeddings.forget(user)
    },
    configure({ limits, attempts = caller.attempts }) {
      const checked = attemptsOf(attempts)
      if (limits !== undefined) gates.limit(limits)
      caller.attempts = checked
    },
  }
}

interface ChainCheckParts {
  readonly registry: ReturnType<typeof createRegistry>
  readonly resolver: Resolver
  readonly recording: Recording | undefined
}

/** A cassette may have answers of models that are not available any more. */
function createChainChecks({ registry, resolver, recording }: ChainCheckParts) {
  const expand = (named: readonly ModelSpec[]) => (named.length > 0 ? registry.expand(named) : registry.defaultChain())
  return {
    obstacles(named: readonly ModelSpec[]): readonly ModelObstacle[] {
      // An unknown name ends the call, also if the chain has other models.
      try {
        return expand(named).map((spec) => ({
          model: modelNameOf(spec),
          obstacle: recording ? undefined : resolver.obstacle(withoutSettings(spec).target),
        }))
      } catch (error) {
        if (!(error instanceof TroupeError)) throw error
        return [{ model: String((error.details as { readonly model?: Json }).model), obstacle: error }]
      }
    },
    async missingKeys(named: readonly ModelSpec[]): Promise<readonly ModelObstacle[]> {
      if (recording) return []
      try {
        const asked = expand(named).map(
          async (spec) => [modelNameOf(spec), await resolver.missingKey(withoutSettings(spec).target)] as const,
        )
        return (await Promise.all(asked)).map(([model, obstacle]) => ({ model, obstacle }))
      } catch (error) {
        // An unknown name is reported by another error.
        if (error instanceof TroupeError) return []
        throw error
      }
    },
  }
}

const attemptsOf = (attempts = 3) => checkInteger('models', 'attempts', attempts)

function questionOf(chain: readonly ModelSpec[], call: ModelCall): Json {
  const { signal: _, onPart: __, cache: ___, timeoutMs: ____, tokensLeft: _____, ...rest } = call
  return JSON.parse(
    JSON.stringify([
      rest.user,
      chain.map((spec) => {
        const { target, settings } = withoutSettings(spec)
        return [`${accountOf(target, modelNameOf(target))} ${modelNameOf(target)}`, settings ?? null]
      }),
      rest,
    ]),
  ) as Json
}
