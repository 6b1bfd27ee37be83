/** A pool of expensive resources (connections, browsers), each lent to one caller at a time. */
import { checkCall, checkFunction } from '../../core/index.ts'
import { type Lent, LentResources, type ResourcePoolStats } from './lent-resources.ts'
import { type PoolOptions, poolSettings } from './pool-options.ts'

/**
 * Lends resources to callers.
 * @example
 * const pool = new Pool({ create: connect, dispose: (one) => one.close(), validate: (one) => one.ping() })
 * const rows = await pool.use((connection) => connection.query('select 1'))
 */
export class Pool<T> implements AsyncDisposable {
  readonly #lent: LentResources<T>

  /** @throws ValidationError naming the invalid option */
  constructor(options: PoolOptions<T>) {
    const settings = poolSettings(options)
    this.#lent = new LentResources(settings)
    // The next caller that acquires a resource gets the error.
    this.#lent.warm(settings.min).catch(() => {})
  }

  /** The figures of the pool now. */
  get stats(): ResourcePoolStats {
    return this.#lent.stats
  }

  /**
   * Acquires a resource.
   * @throws TimeoutError `pool.timeout`; CancelledError if the signal aborts, and `pool.closed`; the errors of
   * `create`
   */
  async acquire(
    options: {
      /** If the signal aborts, the call rejects with CancelledError. */
      readonly signal?: AbortSignal
    } = {},
  ): Promise<Lent<T>> {
    checkCall('Acquiring from a pool', options)
    return this.#lent.acquire(options.signal)
  }

  /** Lends a resource for the duration of the function. */
  async use<Out>(
    run: (resource: T) => Promise<Out> | Out,
    options: {
      /** Ends the wait for a resource with CancelledError. */
      readonly signal?: AbortSignal
    } = {},
  ): Promise<Out> {
    checkFunction('The argument of Pool.use', run)
    await using lent = await this.acquire(options)
    return await run(lent.resource)
  }

  /**
   * Rejects waiting and new callers, waits for lent resources, and disposes of all. It waits for `create` no longer than an
   * acquire does; a resource that arrives later is disposed of then.
   */
  close(): Promise<void> {
    return this.#lent.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
