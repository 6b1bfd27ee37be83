/**
 * Policies that limit and repeat calls: one policy per file, composed by `wrap`. All wait on the given clock, so that
 * they work with a virtual clock.
 */
export * from './backoff.ts'
export * from './bulkhead.ts'
export * from './check-integer.ts'
export * from './circuit-breaker.ts'
export * from './compile-policy.ts'
export * from './fallback.ts'
export * from './is-transient.ts'
export * from './policies.ts'
export * from './policy.ts'
export * from './pools/batch-processor.ts'
export * from './pools/cache.ts'
export * from './pools/last-known-good.ts'
export * from './pools/lent-resources.ts'
export * from './pools/load-tester.ts'
export * from './pools/pool.ts'
export type { PoolOptions } from './pools/pool-options.ts'
export * from './rate-limiter.ts'
export * from './retry.ts'
export * from './time-limit.ts'
