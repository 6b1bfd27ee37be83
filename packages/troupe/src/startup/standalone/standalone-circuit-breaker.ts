/** The public policies: what `resilience` has, on the machine's clock unless told otherwise. */
import { type Clock, systemClock } from '../../core/index.ts'
import {
  LastKnownGood as BaseLastKnownGood,
  BatchProcessor as Batches,
  type BatchProcessorOptions,
  CircuitBreaker as Breaker,
  type CircuitBreakerOptions,
  type LastKnownGoodOptions,
  RateLimiter as Limiter,
  Pool as OwnPool,
  type PoolOptions,
  type RateLimiterOptions,
} from '../../resilience/index.ts'

type Own<Options extends { readonly clock: Clock }> = Omit<Options, 'clock'> & { readonly clock?: Clock }
/** What is no object, a bare number say, is left for the constructor to refuse. */
const withClock = <Options extends object>(options: Options): Options & { readonly clock: Clock } =>
  typeof options === 'object' && options !== null ? { clock: systemClock, ...options } : options

/** @example const breaker = new CircuitBreaker({ failures: 5, pause: '60s' }); await breaker.execute(() => askStock()) */
export class CircuitBreaker extends Breaker {
  constructor(options: Own<CircuitBreakerOptions> = {}) {
    super(withClock(options))
  }
}

/** @example const limiter = new RateLimiter({ limit: 60, window: '1m' }); if (limiter.isAllowed(client)) serve(client) */
export class RateLimiter extends Limiter {
  constructor(options: Own<RateLimiterOptions> = {}) {
    super(withClock(options))
  }
}

/** @example const batches = new BatchProcessor({ process: saveAll, size: 10, wait: '1s' }); await batches.add(order) */
export class BatchProcessor<In, Out> extends Batches<In, Out> {
  constructor(options: Own<BatchProcessorOptions<In, Out>>) {
    super(withClock(options))
  }
}

/** @example const lastKnownGood = new LastKnownGood({ maxAge: '1h' }); await lastKnownGood.execute(() => stock(17), { key: 'ada stock.17' }) */
export class LastKnownGood extends BaseLastKnownGood {
  constructor(options: Own<LastKnownGoodOptions> = {}) {
    super(withClock(options))
  }
}

/** @example const pool = new Pool({ create: connect, dispose: (one) => one.close() }); await pool.use((one) => one.query()) */
export class Pool<T> extends OwnPool<T> {
  constructor(options: Own<PoolOptions<T>>) {
    super(withClock(options))
  }
}
