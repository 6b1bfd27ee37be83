/**
 * Equal questions are answered once: by key, for a while, the least recently used going first, one call in flight. On
 * lru-cache, whose ages follow the clock it is given.
 */
import { LRUCache } from 'lru-cache'
import { type Clock, checkOptions, type Duration, milliseconds } from '../../core/index.ts'
import { checkInteger } from '../check-integer.ts'
import type { Guarded, Policy, PolicyCall } from '../policy.ts'

export interface CacheOptions {
  /** Answers kept at most; 1,000 by default. */
  readonly max?: number
  /** For how long one is good; an hour by default. */
  readonly ttl?: Duration
  readonly clock: Clock
}

/** @example const cache = new Cache({ ttl: '5m', clock }); await cache.execute(() => search(query), { key: query }) */
export class Cache implements Policy {
  readonly #answers: LRUCache<string, { readonly value: unknown }>
  readonly #inFlight = new Map<string, Promise<unknown>>()

  /** @throws ValidationError naming the option that is wrong */
  constructor(options: CacheOptions) {
    checkOptions('Cache', options, ['max', 'ttl', 'clock'])
    this.#answers = new LRUCache({
      max: checkInteger('Cache', 'max', options.max ?? 1_000),
      ttl: milliseconds(options.ttl ?? '1h', 'The ttl of a Cache', '1ms'),
      ttlResolution: 0,
      // lru-cache takes a start of 0 for "no age".
      perf: { now: () => options.clock.monotonic() + 1 },
    })
  }

  /** @param call.key what the answer depends on, whose it is included; without one nothing is kept */
  async execute<Out>(fn: Guarded<Out>, call: PolicyCall = {}): Promise<Out> {
    if (call.key === undefined) return fn({ signal: call.signal })
    return (await this.lookUp<Out>(call.key, async () => fn({ signal: call.signal }))).value
  }

  /** The same, told whether somebody else had asked. A failure is kept by nobody. */
  async lookUp<Out>(
    key: string,
    ask: () => Promise<Out>,
    ttlMs?: number,
  ): Promise<{ readonly value: Out; readonly cached: boolean }> {
    const known = this.#answers.get(key)
    if (known) return { value: known.value as Out, cached: true }
    const running = this.#inFlight.get(key) as Promise<Out> | undefined
    // The one who asks may be cancelled or fail for reasons of its own: then this one asks itself.
    if (running) {
      const found = await running.then(
        (value) => ({ value }),
        () => undefined,
      )
      if (found) return { value: found.value, cached: true }
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
  /** Lets go of the answers under these keys, those still to come included. */
  forget(matches: (key: string) => boolean): void {
    for (const key of [...this.#answers.keys(), ...this.#inFlight.keys()])
      if (matches(key)) {
        this.#answers.delete(key)
        this.#inFlight.delete(key)
      }
  }
}
