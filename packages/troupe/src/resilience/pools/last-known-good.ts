/** A policy that returns the last good value if the source fails. */
import { LRUCache } from 'lru-cache'
import {
  type Clock,
  checkFunction,
  checkOptions,
  checkPredicate,
  type Duration,
  milliseconds,
  systemClock,
} from '../../core/index.ts'
import { checkInteger } from '../check-integer.ts'
import { checkGuarded, type Guarded, type Policy, type PolicyCall } from '../policy.ts'
import { maxCached } from './cache.ts'

/** Options of a `LastKnownGood`. */
export interface LastKnownGoodOptions {
  /** The maximum number of stored values; 1,000 by default, 1,000,000 at most. */
  readonly max?: number
  /** The maximum age of a returned value; unlimited by default. */
  readonly maxAge?: Duration
  /**
   * Returns whether the caller may still read an old value; called before each use. A revoked value must not be
   * returned because a source failed.
   */
  readonly mayStillSee?: (key: string) => boolean | Promise<boolean>
  /** Selects the failures that an old value replaces; all but CancelledError by default. */
  readonly when?: (error: unknown) => boolean
  /** The machine's clock by default. */
  readonly clock?: Clock
}

/**
 * A policy that returns the last known value if a call fails.
 * @example await lastKnownGood.execute(() => mesh.get('orders.17'), { key: 'ada orders.17' })
 */
export class LastKnownGood implements Policy {
  readonly #options: LastKnownGoodOptions
  readonly #clock: Clock
  readonly #maxAgeMs: number
  readonly #values: LRUCache<string, { readonly value: unknown; readonly at: number }>

  /** @throws ValidationError naming the invalid option */
  constructor(options: LastKnownGoodOptions = {}) {
    checkOptions('LastKnownGood', options, ['max', 'maxAge', 'mayStillSee', 'when', 'clock'])
    for (const name of ['mayStillSee', 'when'] as const)
      if (options[name] !== undefined) checkFunction(`The option ${name} of LastKnownGood`, options[name])
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#maxAgeMs =
      options.maxAge === undefined
        ? Number.POSITIVE_INFINITY
        : milliseconds(options.maxAge, 'maxAge of LastKnownGood', '1ms')
    this.#values = new LRUCache({ max: checkInteger('LastKnownGood', 'max', options.max ?? 1_000, 1, maxCached) })
  }

  /**
   * Calls the function and stores its value; if the function fails, returns the stored value instead.
   * @param call.key everything that the value depends on, including its user; without a key no value is stored
   * @throws the error of `fn` if there is no usable value
   */
  async execute<Out>(fn: Guarded<Out>, call: PolicyCall = {}): Promise<Out> {
    checkGuarded('LastKnownGood.execute', fn, call)
    const { key, signal } = call
    try {
      const value = await fn({ signal })
      if (key !== undefined) this.update(key, value)
      return value
    } catch (error) {
      const when = this.#options.when ?? ((failed) => (failed as Error)?.name !== 'CancelledError')
      if (key === undefined || signal?.aborted || !checkPredicate('The option when of LastKnownGood', when(error)))
        throw error
      const known = await this.get(key)
      if (!known) throw error
      return known.value as Out
    }
  }

  /** Stores a value, for example before the first answer of the source. */
  update(key: string, value: unknown): void {
    this.#values.set(key, { value, at: this.#clock.monotonic() })
  }

  async #mayStillSee(key: string): Promise<boolean> {
    const { mayStillSee } = this.#options
    return !mayStillSee || checkPredicate('The option mayStillSee of LastKnownGood', await mayStillSee(key))
  }

  /**
   * Returns the stored value with its age in ms. @returns undefined if there is none, or if it must not be returned any
   * more
   */
  async get(key: string): Promise<
    | {
        /** The stored value. */
        readonly value: unknown
        /** The age of the value, in ms. */
        readonly ageMs: number
      }
    | undefined
  > {
    const known = this.#values.get(key)
    if (!known) return undefined
    const ageMs = this.#clock.monotonic() - known.at
    if (ageMs <= this.#maxAgeMs && (await this.#mayStillSee(key))) return { value: known.value, ageMs }
    this.#values.delete(key)
    return undefined
  }
}
