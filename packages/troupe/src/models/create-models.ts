/** The models of one troupe: their objects, breakers, prices and cache belong to it and to no other in the process. */
import { type Clock, type Events, failure, type Json, type Random, type TroupeError } from '../core/index.ts'
import { CircuitBreaker } from '../resilience/index.ts'
import { type Candidate, callModel } from './call-model.ts'
import { verdictOf } from './model-failure.ts'
import type { ModelAnswer, ModelCall, ModelSpec, Models, Price } from './models-port.ts'
import { createPrices } from './prices.ts'
import { type Load, loadPackage } from './providers.ts'
import { LiveText } from './read-stream.ts'
import { createResolver, nameOf } from './resolve-model.ts'
import { createResponseCache } from './response-cache.ts'

export interface ModelsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  /** `{ 'provider/model': { input, output } }` in US dollars per million tokens; goes before the built-in table. */
  readonly prices?: Readonly<Record<string, Price>>
  /** API keys and `AGENT_MODEL`; nothing else of it is read. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** How an optional provider package is loaded. */
  readonly load?: Load
}

const breakerPauseMs = 30_000

export function createModels(options: ModelsOptions): Models {
  const env = options.env ?? {}
  const prices = createPrices(checkPrices(options.prices ?? {}))
  const resolver = createResolver({ env, load: options.load ?? loadPackage })
  const cache = createResponseCache(options.clock)
  const caller = { clock: options.clock, random: options.random, events: options.events, prices }
  const breakers = new Map<string, CircuitBreaker>()
  const breakerOf = (name: string) => {
    let breaker = breakers.get(name)
    if (!breaker) {
      breaker = new CircuitBreaker({
        pauseMs: breakerPauseMs,
        counts: (error) => verdictOf(error, options.clock.now()).kind === 'failed',
        refusal: () => failure('model.circuit_open', { model: name, seconds: breakerPauseMs / 1_000 }),
      })
      breakers.set(name, breaker)
    }
    return breaker
  }
  const askChain = async (chain: readonly ModelSpec[], call: ModelCall): Promise<ModelAnswer> => {
    const live = call.onPart ? new LiveText(call.onPart) : undefined
    const first = nameOf(chain[0] as ModelSpec)
    let reason: TroupeError | undefined
    for (const [i, spec] of chain.entries()) {
      const name = nameOf(spec)
      try {
        const candidate: Candidate = {
          name,
          model: await resolver.resolve(spec),
          breaker: breakerOf(breakerKey(spec, name)),
        }
        const answer = await callModel(caller, candidate, call, live)
        return i === 0 ? answer : { ...answer, fallback: { from: first, to: name, reason: reason?.message ?? '' } }
      } catch (error) {
        if ((error as Error).name === 'CancelledError' || i === chain.length - 1) throw error
        reason = error as TroupeError
      }
    }
    throw failure('invariant.broken', { rule: 'a chain of models has at least one' })
  }
  return {
    nameOf,
    priceOf: prices.priceOf,
    costOf: prices.costOf,
    defaultChain: () => (env.AGENT_MODEL ? [env.AGENT_MODEL] : []),
    async call(chain, call) {
      if (!call.cache) return askChain(chain, call)
      const answer = await cache.answer(questionOf(chain, call), () => askChain(chain, call))
      if (answer.cached)
        for (const part of answer.content)
          if (part.type === 'text') call.onPart?.({ type: 'text-delta', delta: part.text })
      return answer
    },
  }
}

/** Two accounts at one URL or two hosts of one model fail apart. */
const breakerKey = (spec: ModelSpec, name: string) =>
  typeof spec === 'object' && 'url' in spec ? `${spec.url} ${spec.apiKey ?? ''} ${spec.model}` : name

function questionOf(chain: readonly ModelSpec[], call: ModelCall): Json {
  const { signal: _, onPart: __, cache: ___, timeoutMs: ____, ...rest } = call
  return JSON.parse(JSON.stringify([rest.user, chain.map((spec) => breakerKey(spec, nameOf(spec))), rest])) as Json
}

function checkPrices(prices: Readonly<Record<string, Price>>): Readonly<Record<string, Price>> {
  for (const [model, price] of Object.entries(prices))
    for (const field of ['input', 'output'] as const)
      if (!(Number.isFinite(price?.[field]) && price[field] >= 0))
        throw failure('validation.failed', {
          what: `The price of ${model}`,
          problem: `${field} must be US dollars per million tokens, from 0`,
        })
  return prices
}
