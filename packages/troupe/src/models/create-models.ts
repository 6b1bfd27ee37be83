/** The models of one troupe: their objects, breakers, prices and cache belong to it and to no other in the process. */
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
import type { SecretText } from '../security/index.ts'
import { askChain } from './ask-chain.ts'
import { boundedModel } from './bounded-model.ts'
import { defaultIdle } from './call-model.ts'
import { recordedModel } from './cassettes/index.ts'
import { createEmbeddings } from './embeddings.ts'
import { accountOf, type BreakerOptions, createGates } from './model-gates.ts'
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

export interface ModelsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  /** `{ 'provider/model': { input, output } }` in US dollars per million tokens; goes before the built-in table. */
  readonly prices?: Readonly<Record<string, Price>>
  /** API keys and `AGENT_MODEL`; nothing else of it is read. */
  readonly env?: Readonly<Record<string, SecretText | undefined>>
  /** Finds keys that are named instead of given; asked before every call, for they may change. */
  readonly reveal?: Reveal
  readonly redact?: (text: string) => string
  /** How an optional provider package is loaded. */
  readonly load?: Load
  /** Whether it is there; with a `load` of one's own taken to be so. */
  readonly installed?: IsInstalled
  /** How a model at a url is talked to: to that host and to no other. The global one by default. */
  readonly fetchTo?: FetchTo
  readonly limits?: ModelLimits
  readonly breaker?: BreakerOptions
  /** Attempts of one model before the next of a chain is asked; 3 by default. */
  readonly attempts?: number
  /** For so long a stream may say nothing before it is cut and counts as failed; 5m by default. */
  readonly idle?: Duration
  /** Of answers to equal questions: 1,000 for an hour by default. */
  readonly cache?: { readonly max?: number; readonly ttl?: Duration }
  readonly defaults?: ModelDefaults
  /** Names without a slash for models or chains; `default` is that of agents that name none. */
  readonly registry?: ModelRegistry
  /** Turns texts into vectors wherever likeness counts; without one it is lexical. */
  readonly embedding?: EmbeddingSpec
  /** Answers in the place of models, or records what they say. */
  readonly recording?: Recording
}

/** @throws ValidationError for a price, limit or figure that is none */
export function createModels(options: ModelsOptions): Models {
  const { clock, random, events, recording, env = {}, reveal = plainReveal, defaults = {} } = options
  const registry = createRegistry(options.registry ?? {}, env.AGENT_MODEL as string | undefined)
  const prices = createPrices(checkPrices(options.prices ?? {}))
  const { load = loadPackage, installed = options.load ? () => true : isInstalled, fetchTo } = options
  const resolver = createResolver({ env, load, installed, reveal, fetchTo })
  checkOptions('models.cache', options.cache ?? {}, ['max', 'ttl'])
  const cache = createResponseCache({ ...options.cache, clock })
  const gates = createGates(options)
  const idleMs = milliseconds(options.idle ?? defaultIdle, 'models.idle', '1ms')
  const redact = options.redact ? { redact: options.redact } : {}
  const caller = { clock, random, events, prices, attempts: attemptsOf(options.attempts), idleMs, ...redact }
  const modelOf = async (spec: ModelTarget, tokensLeft: number | undefined): Promise<LanguageModelV4> => {
    const resolve = async () => boundedModel(await resolver.resolve(spec), tokensLeft)
    if (!recording) return resolve()
    if (typeof spec === 'object' && 'url' in spec && spec.apiKey) recording.redactSecret(await reveal(spec.apiKey))
    return recordedModel(recording, modelNameOf(spec), resolve)
  }
  return {
    nameOf: (spec) => modelNameOf(registry.first(spec)),
    embedding: options.embedding,
    priceOf: prices.priceOf,
    costOf: prices.costOf,
    defaults,
    defaultChain: registry.defaultChain,
    embed: createEmbeddings({
      clock,
      random,
      events,
      prices,
      caller,
      gates,
      resolver,
      ...(recording ? { recording } : {}),
    }),
    async call(named, call) {
      const chain = registry.expand(named)
      const ask = () => askChain({ caller, gates, modelOf, defaults }, chain, call)
      if (!call.cache) return ask()
      // One that a budget may have cut is of this call alone.
      const isReusable = ({ finish }: ModelAnswer) => call.tokensLeft === undefined || finish !== 'length'
      const answer = await cache.answer(call.user, questionOf(chain, call), ask, isReusable)
      if (answer.cached) events.emit({ type: 'model.cached', at: clock.now(), userId: call.user, model: answer.model })
      if (answer.cached)
        for (const part of answer.content)
          if (part.type === 'text') call.onPart?.({ type: 'text-delta', delta: part.text })
      return answer
    },
    ...createChainChecks({ registry, resolver, recording }),
    breakers: () => gates.breakers(),
    forget: (user) => cache.forget(user),
    configure({ limits = {}, attempts }) {
      gates.limit(limits)
      caller.attempts = attemptsOf(attempts)
    },
  }
}

interface ChainCheckParts {
  readonly registry: ReturnType<typeof createRegistry>
  readonly resolver: Resolver
  readonly recording: Recording | undefined
}

/** A tape may know the answers of models that nobody has any more. */
function createChainChecks({ registry, resolver, recording }: ChainCheckParts) {
  const expand = (named: readonly ModelSpec[]) => (named.length > 0 ? registry.expand(named) : registry.defaultChain())
  return {
    obstacles(named: readonly ModelSpec[]): readonly ModelObstacle[] {
      // A name that the registry lacks ends the call, whatever else the chain names.
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
        // That the registry lacks a name is an obstacle of another kind.
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
