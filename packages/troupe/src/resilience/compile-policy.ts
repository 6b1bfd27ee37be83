/** One notation for the policies of calls to agents, tools, models and the storage. */
import {
  type Clock,
  checkOptions,
  type Duration,
  invalidInput,
  isObject,
  milliseconds,
  type Random,
} from '../core/index.ts'
import { Bulkhead, type BulkheadOptions } from './bulkhead.ts'
import { CircuitBreaker, type CircuitBreakerOptions } from './circuit-breaker.ts'
import { fallback } from './fallback.ts'
import { type Policy, wrap } from './policy.ts'
import { RateLimiter, type RateLimiterOptions } from './rate-limiter.ts'
import { type RetryPolicyOptions, retry } from './retry.ts'
import { timeout } from './time-limit.ts'

/**
 * The policies of calls to an agent, a tool, a model or the storage, from the outside in: fallback, rate limit,
 * bulkhead, retry, breaker, timeout.
 */
export interface PolicyOptions {
  /** The result in place of a final failure: a value, or in code a function of the failure that returns a value. */
  readonly fallback?: unknown
  /** The limit applies to each user. */
  readonly rateLimit?: Omit<RateLimiterOptions, 'clock'>
  /** Limits concurrent calls. */
  readonly bulkhead?: BulkheadOptions
  /** Retries temporary failures. */
  readonly retry?: Omit<RetryPolicyOptions, 'clock' | 'random'>
  /** Rejects calls for a pause after repeated failures. */
  readonly breaker?: Omit<CircuitBreakerOptions, 'clock' | 'rejection'>
  /** The timeout of one attempt. */
  readonly timeout?: Duration
}
export type PolicyPart = keyof PolicyOptions

export const policyParts: readonly PolicyPart[] = ['fallback', 'rateLimit', 'bulkhead', 'retry', 'breaker', 'timeout']

/**
 * Composes the policies of the options, from the outside in: fallback, rate limit, bulkhead, retry, breaker, timeout.
 * Each composed policy has its own counters.
 * @param what the guarded calls, as the subject of errors
 * @param allowed the parts that apply to these calls; others are rejected
 * @throws ValidationError naming the invalid option
 */
export function compilePolicy(
  options: PolicyOptions,
  {
    what,
    clock,
    random,
    allowed = policyParts,
  }: {
    readonly what: string
    readonly clock: Clock
    readonly random: Random
    readonly allowed?: readonly PolicyPart[]
  },
): Policy {
  checkOptions(`the policy of ${what}`, options, policyParts)
  const senseless = policyParts.find((part) => options[part] !== undefined && !allowed.includes(part))
  if (senseless) throw invalidInput(`The policy of ${what}`, `${senseless} is not for these calls`)
  for (const part of ['rateLimit', 'bulkhead', 'retry', 'breaker'] as const)
    if (options[part] !== undefined && !isObject(options[part]))
      throw invalidInput(`The ${part} of ${what}`, `it must be an object, got ${JSON.stringify(options[part])}`)
  const { rateLimit, bulkhead, breaker } = options
  const policies: Policy[] = []
  if ('fallback' in options) policies.push(fallback(options.fallback))
  if (rateLimit) policies.push(new RateLimiter({ ...rateLimit, clock }))
  if (bulkhead) policies.push(new Bulkhead(bulkhead))
  if (options.retry) policies.push(retry({ ...options.retry, clock, random }))
  if (breaker) policies.push(new CircuitBreaker({ ...breaker, clock }))
  if (options.timeout !== undefined) {
    milliseconds(options.timeout, `The timeout of ${what}`, '1ms')
    const subject = `${what.charAt(0).toUpperCase()}${what.slice(1)}`
    policies.push(timeout({ clock, limit: options.timeout, what: subject }))
  }
  return wrap(...policies)
}
