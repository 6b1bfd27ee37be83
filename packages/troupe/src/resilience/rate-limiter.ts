/**
 * So many calls in a sliding window, counted apart for each key. Our own: rate-limiter-flexible counts in fixed windows
 * on `Date.now`, lets twice the limit through at their edge, and keeps its keys until a global timer fires.
 */
import { type Clock, checkOptions, type Duration, failure, milliseconds, sleep, systemClock } from '../core/index.ts'
import { checkInteger } from './check-integer.ts'
import { checkGuarded, type Guarded, type Policy, type PolicyCall } from './policy.ts'

export interface RateLimiterOptions {
  /** Calls within one window; 60 by default. */
  readonly limit?: number
  /** One minute by default. */
  readonly window?: Duration
  /** Keys counted at once, 10,000 by default; beyond it the one that was quiet longest is forgotten. */
  readonly maxKeys?: number
  /** The machine's clock by default. */
  readonly clock?: Clock
}

export interface RateTicket {
  readonly allowed: boolean
  /** Calls that are still free in this window. */
  readonly remaining: number
  /** ms until a call is free; 0 where this one is allowed. */
  readonly retryAfterMs: number
}

const shared = 'all'

/**
 * @example
 * const limiter = new RateLimiter({ limit: 60, window: '1m' })
 * if (!limiter.isAllowed(clientId)) return { error: 'Rate limit exceeded' }
 */
export class RateLimiter implements Policy {
  readonly limit: number
  readonly #windowMs: number
  readonly #maxKeys: number
  readonly #clock: Clock
  /** When the calls of a key were made, or will be where somebody waits; rising, the key used last at the end. */
  readonly #times = new Map<string, number[]>()

  /** @throws ValidationError naming the option that is wrong */
  constructor(options: RateLimiterOptions = {}) {
    checkOptions('RateLimiter', options, ['limit', 'window', 'maxKeys', 'clock'])
    this.limit = checkInteger('RateLimiter', 'limit', options.limit ?? 60)
    this.#maxKeys = checkInteger('RateLimiter', 'maxKeys', options.maxKeys ?? 10_000)
    this.#windowMs = milliseconds(options.window ?? '1m', 'The window of a RateLimiter', '1ms')
    this.#clock = options.clock ?? systemClock
  }

  /** Whether a call may be made now; it is counted then. */
  isAllowed(key = shared): boolean {
    return this.take(key).allowed
  }

  /** The same, with what a refusal tells its caller. */
  take(key = shared): RateTicket {
    const { times, afterMs } = this.#peek(key)
    if (afterMs === 0) times.push(this.#clock.monotonic())
    return { allowed: afterMs === 0, remaining: Math.max(0, this.limit - times.length), retryAfterMs: afterMs }
  }

  /**
   * Waits for a place, first come, first served.
   * @param maxWaitMs a longer wait is refused at once
   * @throws RateLimitError `rate.limited`, CancelledError
   */
  async wait(call: PolicyCall & { readonly maxWaitMs?: number } = {}): Promise<void> {
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

  /** @throws RateLimitError `rate.limited` with `retryAfterMs` in its details, else what `fn` throws */
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
