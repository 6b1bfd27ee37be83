/**
 * Limits calls in a sliding window, counted separately for each key. rate-limiter-flexible is not used: it counts in
 * fixed windows on `Date.now`, which admits twice the limit at their boundary. It also retains its keys until a global
 * timer fires.
 */
import { type Clock, checkOptions, type Duration, failure, milliseconds, sleep, systemClock } from '../core/index.ts'
import { checkInteger } from './check-integer.ts'
import { checkGuarded, type Guarded, type Policy, type PolicyCall } from './policy.ts'

/** Options of a `RateLimiter`. */
export interface RateLimiterOptions {
  /** The number of calls within one window; 60 by default. */
  readonly limit?: number
  /** The length of the sliding window; 1 min by default. */
  readonly window?: Duration
  /** The maximum number of counted keys, 10,000 by default; beyond it the least recently used key is dropped. */
  readonly maxKeys?: number
  /** The machine's clock by default. */
  readonly clock?: Clock
}

/** The answer of a rate limiter to one call. */
export interface RateTicket {
  /** True if the call may be made; it is counted then. */
  readonly allowed: boolean
  /** The number of calls still available in this window. */
  readonly remaining: number
  /** The time in ms until a call is possible; 0 if this one is allowed. */
  readonly retryAfterMs: number
}

const shared = 'all'

/**
 * A policy that limits the rate of calls.
 * @example
 * const limiter = new RateLimiter({ limit: 60, window: '1m' })
 * if (!limiter.isAllowed(clientId)) return { error: 'Rate limit exceeded' }
 */
export class RateLimiter implements Policy {
  /** The number of calls within one window. */
  readonly limit: number
  readonly #windowMs: number
  readonly #maxKeys: number
  readonly #clock: Clock
  /** The ascending times of past calls and of waiting calls, by key; the most recently used key is last. */
  readonly #times = new Map<string, number[]>()

  /** @throws ValidationError naming the invalid option */
  constructor(options: RateLimiterOptions = {}) {
    checkOptions('RateLimiter', options, ['limit', 'window', 'maxKeys', 'clock'])
    this.limit = checkInteger('RateLimiter', 'limit', options.limit ?? 60)
    this.#maxKeys = checkInteger('RateLimiter', 'maxKeys', options.maxKeys ?? 10_000)
    this.#windowMs = milliseconds(options.window ?? '1m', 'The window of a RateLimiter', '1ms')
    this.#clock = options.clock ?? systemClock
  }

  /** Returns whether a call may be made now, and counts the call if so. */
  isAllowed(key = shared): boolean {
    return this.take(key).allowed
  }

  /** Like `isAllowed`, with the details for a rejected caller. */
  take(key = shared): RateTicket {
    const { times, afterMs } = this.#peek(key)
    if (afterMs === 0) times.push(this.#clock.monotonic())
    return { allowed: afterMs === 0, remaining: Math.max(0, this.limit - times.length), retryAfterMs: afterMs }
  }

  /**
   * Waits until a call is possible, in order of arrival, and counts it.
   * @throws RateLimitError `rate.limited` if the wait would be longer than `maxWaitMs`; CancelledError if the signal
   * aborts
   */
  async wait(
    call: PolicyCall & {
      /** The longest wait in ms; unlimited by default. A longer wait is rejected at once. */
      readonly maxWaitMs?: number
    } = {},
  ): Promise<void> {
    checkOptions('RateLimiter.wait', call, ['key', 'signal', 'maxWaitMs'])
    const { key = shared, signal, maxWaitMs = Number.POSITIVE_INFINITY } = call
    const { times, afterMs } = this.#peek(key)
    if (afterMs > maxWaitMs) throw this.#rejection(afterMs)
    const at = this.#clock.monotonic() + afterMs
    times.push(at)
    if (afterMs === 0) return
    try {
      await sleep(this.#clock, afterMs, signal)
    } catch (error) {
      const index = times.lastIndexOf(at)
      if (index >= 0) times.splice(index, 1)
      throw error
    }
  }

  rejection(call: PolicyCall = {}): Error | undefined {
    checkOptions('RateLimiter.rejection', call, ['key', 'signal'])
    const { key = shared } = call
    const { afterMs } = this.#peek(key)
    return afterMs > 0 ? this.#rejection(afterMs) : undefined
  }

  /** @throws RateLimitError `rate.limited` with `retryAfterMs` in its details; the errors of `fn` */
  async execute<Out>(fn: Guarded<Out>, call: PolicyCall = {}): Promise<Out> {
    checkGuarded('RateLimiter.execute', fn, call)
    const { key, signal } = call
    const { allowed, retryAfterMs } = this.take(key)
    if (!allowed) throw this.#rejection(retryAfterMs)
    return fn({ signal })
  }

  #peek(key: string): { readonly times: number[]; readonly afterMs: number } {
    const times = this.#times.get(key) ?? []
    this.#times.delete(key)
    this.#times.set(key, times)
    if (this.#times.size > this.#maxKeys) this.#times.delete(this.#times.keys().next().value as string)
    const now = this.#clock.monotonic()
    let over = 0
    while (over < times.length && (times[over] as number) <= now - this.#windowMs) over++
    times.splice(0, over)
    const blocking = times[times.length - this.limit]
    return { times, afterMs: blocking === undefined ? 0 : Math.max(0, blocking + this.#windowMs - now) }
  }

  #rejection(afterMs: number): Error {
    return failure('rate.limited', { limit: this.limit, seconds: Math.ceil(afterMs / 1_000), retryAfterMs: afterMs })
  }
}
