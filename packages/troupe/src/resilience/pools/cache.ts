/**
 * Caches results by key for a time; the least recently used is evicted first. Callers with an equal key share the call
 * in flight. It uses lru-cache with the given clock for ages.
 */
import { LRUCache } from 'lru-cache'
import { type Clock, checkOptions, type Duration, milliseconds } from '../../core/index.ts'
import { checkInteger } from '../check-integer.ts'
import type { Guarded, Policy, PolicyCall } from '../policy.ts'
import { withTimeLimit } from '../time-limit.ts'

/** The highest `max` of a cache: lru-cache reserves about 50 bytes for each value at once. */
export const maxCached = 1_000_000

export interface CacheOptions {
  /** The maximum number of cached results; 1,000 by default, 1,000,000 at most. */
  readonly max?: number
  /** The time for which a result is valid; an hour by default. */
  readonly ttl?: Duration
  readonly clock: Clock
}

/** Options of `lookUp`. */
interface LookUpOptions {
  /** The time for which the result is valid, in ms; that of the cache by default. */
  readonly ttlMs?: number | undefined
  /**
   * Selects the failures that callers that wait for the call get too; after another failure one of them makes the call.
   * Without it each of them makes a call of its own.
   */
  readonly isShared?: (error: unknown) => boolean
  /** Ends the wait of this caller for the call of another. */
  readonly signal?: AbortSignal | undefined
  /** The longest wait in ms for the call of another; then this caller makes a call of its own. */
  readonly waitMs?: number | undefined
}

/**
 * A policy that caches results.
 * @example const cache = new Cache({ ttl: '5m', clock }); await cache.execute(() => search(query), { key: query })
 */
export class Cache implements Policy {
  readonly #answers: LRUCache<string, { readonly value: unknown }>
  readonly #inFlight = new Map<string, Promise<unknown>>()
  readonly #clock: Clock

  /** @throws ValidationError naming the invalid option */
  constructor(options: CacheOptions) {
    checkOptions('Cache', options, ['max', 'ttl', 'clock'])
    this.#clock = options.clock
    this.#answers = new LRUCache({
      max: checkInteger('Cache', 'max', options.max ?? 1_000, 1, maxCached),
      ttl: milliseconds(options.ttl ?? '1h', 'The ttl of a Cache', '1ms'),
      ttlResolution: 0,
      // lru-cache treats a start time of 0 as "no age".
      perf: { now: () => options.clock.monotonic() + 1 },
    })
  }

  /**
   * @param call.key everything that the result depends on, including its user; without a key no result is cached
   * @throws the error of `fn`; CancelledError if the signal aborts while the call of another caller is in flight
   */
  async execute<Out>(fn: Guarded<Out>, { key, signal }: PolicyCall = {}): Promise<Out> {
    if (key === undefined) return fn({ signal })
    return (await this.lookUp<Out>(key, async () => fn({ signal }), { signal })).value
  }

  /**
   * Returns the result and whether it came from the cache or a call in flight. A failure is not cached.
   * @throws the error of `ask`; CancelledError if the signal aborts while the call of another caller is in flight
   */
  async lookUp<Out>(
    key: string,
    ask: () => Promise<Out>,
    options: LookUpOptions = {},
  ): Promise<{ readonly value: Out; readonly cached: boolean }> {
    const { ttlMs, isShared, signal, waitMs: limitMs } = options
    const known = this.#answers.get(key)
    if (known) return { value: known.value as Out, cached: true }
    const running = this.#inFlight.get(key) as Promise<Out> | undefined
    if (running) {
      try {
        const limit = { clock: this.#clock, limitMs, kind: 'own', what: 'A call that waits for an equal one', signal }
        return { value: await withTimeLimit(limit, () => running), cached: true }
      } catch (error) {
        if (signal?.aborted || isShared?.(error)) throw error
      }
      if (isShared) return this.lookUp(key, ask, options)
    }
    const asked = ask()
    this.#inFlight.set(key, asked)
    try {
      const value = await asked
      if (this.#inFlight.get(key) === asked)
        this.#answers.set(key, { value }, ttlMs === undefined ? {} : { ttl: ttlMs })
      return { value, cached: false }
    } finally {
      if (this.#inFlight.get(key) === asked) this.#inFlight.delete(key)
    }
  }
  /** Removes the results with matching keys, including results of calls in flight. */
  forget(matches: (key: string) => boolean): void {
    for (const key of [...this.#answers.keys(), ...this.#inFlight.keys()])
      if (matches(key)) {
        this.#answers.delete(key)
        this.#inFlight.delete(key)
      }
  }
}
