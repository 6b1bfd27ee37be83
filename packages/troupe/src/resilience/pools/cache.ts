/**
 * Caches results by key for a time; the least recently used is evicted first. Callers with an equal key share the call
 * in flight. It uses lru-cache with the given clock for ages.
 */
import { LRUCache } from 'lru-cache'
import { type Clock, checkOptions, type Duration, milliseconds } from '../../core/index.ts'
import { checkInteger } from '../check-integer.ts'
import type { Guarded, Policy, PolicyCall } from '../policy.ts'

/** The highest `max` of a cache: lru-cache reserves about 50 bytes for each value at once. */
export const maxCached = 1_000_000

export interface CacheOptions {
  /** The maximum number of cached results; 1,000 by default, 1,000,000 at most. */
  readonly max?: number
  /** The time for which a result is valid; an hour by default. */
  readonly ttl?: Duration
  readonly clock: Clock
}

/**
 * A policy that caches results.
 * @example const cache = new Cache({ ttl: '5m', clock }); await cache.execute(() => search(query), { key: query })
 */
export class Cache implements Policy {
  readonly #answers: LRUCache<string, { readonly value: unknown }>
  readonly #inFlight = new Map<string, Promise<unknown>>()

  /** @throws ValidationError naming the invalid option */
  constructor(options: CacheOptions) {
    checkOptions('Cache', options, ['max', 'ttl', 'clock'])
    this.#answers = new LRUCache({
      max: checkInteger('Cache', 'max', options.max ?? 1_000, 1, maxCached),
      ttl: milliseconds(options.ttl ?? '1h', 'The ttl of a Cache', '1ms'),
      ttlResolution: 0,
      // lru-cache treats a start time of 0 as "no age".
      perf: { now: () => options.clock.monotonic() + 1 },
    })
  }

  /** @param call.key everything that the result depends on, including its user; without a key no result is cached */
  async execute<Out>(fn: Guarded<Out>, call: PolicyCall = {}): Promise<Out> {
    if (call.key === undefined) return fn({ signal: call.signal })
    return (await this.lookUp<Out>(call.key, async () => fn({ signal: call.signal }))).value
  }

  /**
   * Returns the result and whether it came from the cache or a call in flight. A failure is not cached.
   * @param options.isShared selects the failures that callers that wait for the call get too; after another failure one
   * of them makes the call. Without it each of them makes a call of its own
   */
  async lookUp<Out>(
    key: string,
    ask: () => Promise<Out>,
    options: { readonly ttlMs?: number | undefined; readonly isShared?: (error: unknown) => boolean } = {},
  ): Promise<{ readonly value: Out; readonly cached: boolean }> {
    const { ttlMs, isShared } = options
    const known = this.#answers.get(key)
    if (known) return { value: known.value as Out, cached: true }
    const running = this.#inFlight.get(key) as Promise<Out> | undefined
    if (running) {
      try {
        return { value: await running, cached: true }
      } catch (error) {
        if (isShared?.(error)) throw error
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
