/** Policies of a troupe: how calls of agents, tools and models, and of the storage, are guarded. */
import { type Clock, checkOptions, type Random } from '../core/index.ts'
import type { Models } from '../models/index.ts'
import {
  compilePolicy,
  createPolicies,
  type Policies,
  type PoliciesByName,
  type PolicyOptions,
} from '../resilience/index.ts'
import type { OpenedStorage } from '../storage/index.ts'

export interface PoliciesConfig {
  /** By the agent's name, or `*`: of one step. A step is not tried again here; `onError` of a run says what then. */
  readonly agents?: Readonly<Record<string, Pick<PolicyOptions, 'rateLimit' | 'bulkhead' | 'breaker' | 'timeout'>>>
  /** By the tool's name, or `*`. What acts once is never tried again. */
  readonly tools?: PoliciesByName
  /** By `provider/model`, or `*`, around the whole chain; limits, pauses and breakers of each model are in `models`. */
  readonly models?: Readonly<Record<string, Omit<PolicyOptions, 'fallback'>>>
  /** Of reads for users; the house's own go on. A commit is neither cut off nor repeated: the storage finds out itself what became of it. */
  readonly storage?: Pick<PolicyOptions, 'bulkhead' | 'retry' | 'breaker' | 'timeout'>
}

const agentParts = ['rateLimit', 'bulkhead', 'breaker', 'timeout'] as const
const modelParts = ['rateLimit', 'bulkhead', 'retry', 'breaker', 'timeout'] as const
const storageParts = ['bulkhead', 'retry', 'breaker', 'timeout'] as const

interface Parts {
  readonly clock: Clock
  readonly random: Random
}

export interface OpenedPolicies {
  readonly tools: Policies
  readonly agents: Policies
  readonly models: Policies
}

/** @throws ValidationError for a policy that is none, or has a part that makes no sense there */
export function openPolicies(config: PoliciesConfig, parts: Parts): OpenedPolicies {
  checkOptions('policies', config, ['agents', 'tools', 'models', 'storage'])
  if (config.storage) compilePolicy(config.storage, { ...parts, what: 'the storage', allowed: storageParts })
  return {
    tools: createPolicies(config.tools ?? {}, { ...parts, kind: 'the tool' }),
    agents: createPolicies(config.agents ?? {}, { ...parts, kind: 'the agent', allowed: agentParts }),
    models: createPolicies(config.models ?? {}, { ...parts, kind: 'the model', allowed: modelParts }),
  }
}

export const guardedModels = (models: Models, policies: Policies): Models => ({
  ...models,
  call(chain, call) {
    const first = chain[0]
    const policy = first === undefined ? undefined : policies.of(models.nameOf(first))
    if (!policy) return models.call(chain, call)
    const guarded = ({ signal }: { readonly signal: AbortSignal | undefined }) =>
      models.call(chain, signal ? { ...call, signal } : call)
    return policy.execute(guarded, { signal: call.signal, key: call.user })
  },
})

export function guardedStorage(
  storage: OpenedStorage,
  { storage: options }: PoliciesConfig,
  parts: Parts,
): OpenedStorage {
  if (!options) return storage
  const policy = compilePolicy(options, { ...parts, what: 'the storage', allowed: storageParts })
  const read: OpenedStorage['read'] = (scope, statements) =>
    'user' in scope ? policy.execute(() => storage.read(scope, statements)) : storage.read(scope, statements)
  return new Proxy(storage, { get: (target, name) => (name === 'read' ? read : Reflect.get(target, name, target)) })
}
