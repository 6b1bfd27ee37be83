/** The policies of a troupe: how calls of agents, tools, models and the storage are guarded. */
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

/** The option `policies` of `createTroupe`. */
export interface PoliciesConfig {
  /**
   * Policies of one step, by the agent's name or `*`. A step is not retried here; `onError` of a run decides what
   * follows.
   */
  readonly agents?: Readonly<Record<string, Pick<PolicyOptions, 'rateLimit' | 'bulkhead' | 'breaker' | 'timeout'>>>
  /** Policies of tool calls, by the tool's name or `*`. A call of class `at-most-once` is never retried. */
  readonly tools?: PoliciesByName
  /**
   * Policies of model calls, by `provider/model` or `*`, around the complete chain. Limits, pauses and breakers of
   * single models are in `models`.
   */
  readonly models?: Readonly<Record<string, Omit<PolicyOptions, 'fallback'>>>
  /**
   * The policy of reads for users; those of Troupe itself are not guarded. A commit is neither timed out nor retried:
   * the storage determines its outcome.
   */
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

/** @throws ValidationError for an invalid policy, or one with a part that does not apply there */
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
