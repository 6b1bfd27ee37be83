/** `troupe/resilience`: policies around calls of one's own, without a troupe. */
export type { RateKey, SharedRateLimit, SharedRateLimiter } from './journal/index.ts'
export type {
  Backoff,
  BatchProcessorOptions,
  BulkheadOptions,
  CircuitBreakerOptions,
  Guarded,
  LastKnownGoodOptions,
  Lent,
  LoadReport,
  LoadTarget,
  LoadThresholds,
  Policy,
  PolicyCall,
  PolicyOptions,
  PoolOptions,
  RateLimiterOptions,
  RateTicket,
  ResourcePoolStats,
  RetryPolicyOptions,
} from './resilience/index.ts'
export { BatchProcessor, CircuitBreaker, LastKnownGood, LoadTester, Pool, RateLimiter } from './resilience/index.ts'
