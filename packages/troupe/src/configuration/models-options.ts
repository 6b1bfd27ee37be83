/** Converts the configuration to the options of the modules. */
import { providers } from '../models/index.ts'
import type { Environment } from './environment.ts'
import type { RevealedConfig } from './secrets/reveal-config.ts'

/** The configuration precedes the environment. */
export function modelsOptions(
  { models = {}, prices, contextWindows }: Pick<RevealedConfig, 'models' | 'prices' | 'contextWindows'>,
  environment: Environment,
) {
  const { registry, breaker, attempts, idle, embedding, reranking, model, apiKey, keys = {} } = models
  const ttl = models.cache?.ttl ?? environment.cacheTtl
  return {
    env: {
      ...environment.env,
      ...Object.fromEntries(Object.entries(keys).map(([name, key]) => [providers[name]?.key, key])),
      ...(model === undefined ? {} : { AGENT_MODEL: model }),
      ...(apiKey === undefined ? {} : { AGENT_API_KEY: apiKey }),
    },
    defaults: { ...environment.defaults, ...models.defaults },
    limits: { ...environment.limits, ...models.limits },
    cache: { ...models.cache, ...(ttl === undefined ? {} : { ttl }) },
    ...(prices ? { prices } : {}),
    ...(contextWindows ? { contextWindows } : {}),
    ...(registry ? { registry } : {}),
    ...(breaker ? { breaker } : {}),
    ...(attempts === undefined ? {} : { attempts }),
    ...(idle === undefined ? {} : { idle }),
    ...(embedding ? { embedding } : {}),
    ...(reranking ? { reranking } : {}),
  }
}

export function contextOptions({ context = {} }: RevealedConfig) {
  const { limits, lifecycles, cleanup } = context
  return {
    ...(limits ? { limits } : {}),
    ...(lifecycles === undefined ? {} : { lifecycles }),
    ...(cleanup ? { cleanup } : {}),
  }
}
