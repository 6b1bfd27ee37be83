/** What keeps calls within bounds: time limits, pauses between attempts, breakers, load tests. */
export * from './backoff.ts'
export * from './circuit-breaker.ts'
export * from './load-tester.ts'
export * from './time-limit.ts'
