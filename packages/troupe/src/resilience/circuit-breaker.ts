/** Leaves alone for a while what failed repeatedly. A thin form of cockatiel's breaker that speaks of our errors. */
import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel'

export interface CircuitBreakerOptions {
  /** So many failures in a row open it; 5 by default. */
  readonly failures?: number
  /** ms after which one call is let through again; 30,000 by default. */
  readonly pauseMs?: number
  /** What counts as a failure; everything by default. */
  readonly counts?: (error: unknown) => boolean
  /** The error of a call that is not let through. */
  readonly refusal: () => Error
}

/**
 * @example
 * const breaker = new CircuitBreaker({ refusal: () => new CircuitOpenError('The shop is down.') })
 * await breaker.execute(() => ask())
 */
export class CircuitBreaker {
  readonly #policy
  readonly #refusal: () => Error

  constructor(options: CircuitBreakerOptions) {
    const counts = options.counts ?? (() => true)
    this.#refusal = options.refusal
    this.#policy = circuitBreaker(
      handleWhen((error) => counts(error)),
      { halfOpenAfter: options.pauseMs ?? 30_000, breaker: new ConsecutiveBreaker(options.failures ?? 5) },
    )
  }

  /** @throws what `refusal` makes while it is open, else what `fn` throws */
  async execute<Out>(fn: () => Promise<Out>): Promise<Out> {
    try {
      return await this.#policy.execute(() => fn())
    } catch (error) {
      throw error instanceof BrokenCircuitError ? this.#refusal() : error
    }
  }

  get state(): 'closed' | 'open' | 'half-open' {
    if (this.#policy.state === CircuitState.Closed) return 'closed'
    return this.#policy.state === CircuitState.HalfOpen ? 'half-open' : 'open'
  }
}
