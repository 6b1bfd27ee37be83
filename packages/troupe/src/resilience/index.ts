/**
 * What keeps calls within bounds: one policy a file, composed by `wrap`. All wait on the clock they are given, so that
 * they move with a virtual one.
 */
export * from './backoff.ts'
export * from './batch-processor.ts'
export * from './bulkhead.ts'
export * from './cache.ts'
export * from './check-whole.ts'
export * from './circuit-breaker.ts'
export * from './compile-policy.ts'
export * from './fallback.ts'
export * from './last-good.ts'
export * from './load-tester.ts'
export * from './may-pass.ts'
export * from './policies.ts'
export * from './policy.ts'
export * from './pool.ts'
export * from './rate-limiter.ts'
export * from './retry.ts'
export * from './time-limit.ts'
