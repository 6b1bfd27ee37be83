/**
 * A pool of expensive resources (connections, browsers), each lent to one caller at a time. A resource is created on
 * demand, checked before each use, and disposed of when it is idle for long or too old. Callers are served in order of
 * arrival.
 *
 * Invariant: each served caller has a slot, and there are at most `size` plus `overflow` slots. A slot becomes free
 * when its resource is returned or could not be created.
 */
import { checkCall, checkFunction, duration, failure } from '../../core/index.ts'
import { IdleResources } from './idle-resources.ts'
import { type PoolOptions, type PoolSettings, poolSettings } from './pool-options.ts'
import { type PooledResource, PoolResources } from './pool-resources.ts'
import { UsedSlots } from './used-slots.ts'
import { WaitingCallers, type WaitLimit, watchLimit } from './waiting-callers.ts'

/** A lent resource. With `await using`, it is returned at the end of the block. */
export interface Lent<T> extends AsyncDisposable {
  /** The resource. */
  readonly resource: T
  /** Returns the resource to the pool; a second call has no effect. */
  release(outcome?: {
    /** Disposes of the resource; false by default. */
    readonly broken?: boolean
  }): Promise<void>
}

/** Figures of a pool. */
export interface ResourcePoolStats {
  /** The number of resources that wait for a caller. */
  readonly idle: number
  /** The number of slots in use: by resources that are lent, being created or being checked. */
  readonly inUse: number
  /** The number of callers that wait. */
  readonly waiting: number
  /** The number of resources created so far. */
  readonly created: number
  /** The number of resources disposed of so far. */
  readonly disposed: number
  /** The number of callers whose wait ended with `pool.timeout` so far. */
  readonly timeouts: number
}

/**
 * Lends resources to callers.
 * @example
 * const pool = new Pool({ create: connect, dispose: (one) => one.close(), validate: (one) => one.ping() })
 * const rows = await pool.use((connection) => connection.query('select 1'))
 */
export class Pool<T> implements AsyncDisposable {
  readonly #settings: PoolSettings<T>
  readonly #resources: PoolResources<T>
  readonly #idle: IdleResources<T>
  /** Each waiting caller receives a slot, together with its resource if that is still good. */
  readonly #waiting = new WaitingCallers<PooledResource<T> | undefined>()
  readonly #slots = new UsedSlots()
  #timeouts = 0
  /** Set by the first call of `close`, and returned by later ones. */
  #closing: Promise<void> | undefined

  /** @throws ValidationError naming the invalid option */
  constructor(options: PoolOptions<T>) {
    const settings = poolSettings(options)
    const { clock, idleMs, min } = settings
    const resources = new PoolResources(settings)
    this.#settings = settings
    this.#resources = resources
    this.#idle = new IdleResources({
      clock,
      idleMs,
      isNeeded: (idle) => idle + this.#slots.count <= min,
      removed: (pooled) => void resources.dispose(pooled),
    })
    for (let i = 0; i < min; i++) this.#warm()
  }

  /** The figures of the pool now. */
  get stats(): ResourcePoolStats {
    const { counters } = this.#resources
    const [idle, inUse, waiting] = [this.#idle.size, this.#slots.count, this.#waiting.size]
    return { idle, inUse, waiting, ...counters, timeouts: this.#timeouts }
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
    if (this.#closing) throw failure('pool.closed', { what: 'Acquiring from a pool' })
    const limit = this.#limitOf(options.signal)
    const isFree = this.#slots.count < this.#settings.maxSize
    if (isFree) this.#slots.take()
    const candidate = isFree ? this.#idle.take() : await this.#waiting.wait(limit)
    return this.#lend(await this.#inTime(this.#fit(candidate), limit))
  }

  /** Lends a resource for the duration of the function. */
  async use<Out>(
    run: (resource: T) => Promise<Out> | Out,
    options: {
      /** Ends the wait for a resource with CancelledError. */
      readonly signal?: AbortSignal
    } = {},
  ): Promise<Out> {
    checkFunction('What Pool.use was given', run)
    await using lent = await this.acquire(options)
    return await run(lent.resource)
  }

  /**
   * Rejects waiting and new callers, waits for lent resources, and disposes of all. It waits for `create` no longer than an
   * acquire does; a resource that arrives later is disposed of then.
   */
  close(): Promise<void> {
    const closeOnce = async () => {
      this.#waiting.rejectAll(failure('pool.closed', { what: 'Acquiring from a pool' }))
      await this.#slots.unused(this.#settings.clock, this.#settings.acquireMs)
      for (const pooled of this.#idle.removeAll()) void this.#resources.dispose(pooled)
      await this.#resources.disposalsEnded()
    }
    this.#closing ??= closeOnce()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #limitOf(signal: AbortSignal | undefined): WaitLimit {
    const { clock, acquireMs } = this.#settings
    const timedOut = () => {
      this.#timeouts++
      return failure('pool.timeout', { limit: duration(acquireMs) })
    }
    return { clock, until: clock.monotonic() + acquireMs, signal, timedOut }
  }

  /**
   * A resource that becomes available after the limit is released for other callers; until then it occupies its slot.
   */
  async #inTime(fitting: Promise<PooledResource<T>>, limit: WaitLimit): Promise<PooledResource<T>> {
    const over = Promise.withResolvers<never>()
    const endWatch = watchLimit(limit, over.reject)
    try {
      return await Promise.race([fitting, over.promise])
    } catch (error) {
      this.#releaseLater(fitting)
      throw error
    } finally {
      endWatch()
    }
  }

  /** Releases a resource without a caller once it is available. */
  #releaseLater(fitting: Promise<PooledResource<T>>): void {
    const arrived = this.#slots.loseCaller()
    fitting.then(
      (pooled) => {
        arrived()
        return this.#release(pooled, false)
      },
      () => {
        arrived()
        this.#free()
      },
    )
  }

  /** @returns a usable resource: the candidate, another idle one, or a new one */
  async #fit(candidate: PooledResource<T> | undefined): Promise<PooledResource<T>> {
    for (let pooled = candidate ?? this.#idle.take(); pooled; pooled = this.#idle.take()) {
      if (await this.#resources.isUsable(pooled)) return pooled
      await this.#resources.dispose(pooled)
    }
    return this.#resources.create()
  }

  #lend(pooled: PooledResource<T>): Lent<T> {
    let returned: Promise<void> | undefined
    const release = ({ broken = false }: { readonly broken?: boolean } = {}) => {
      returned ??= this.#release(pooled, broken)
      return returned
    }
    return { resource: pooled.resource, release, [Symbol.asyncDispose]: () => release() }
  }

  async #release(pooled: PooledResource<T>, broken: boolean): Promise<void> {
    const isGood = !broken && !this.#closing && !this.#resources.isOld(pooled)
    // The caller takes over the slot together with the resource.
    if (this.#waiting.serve(isGood ? pooled : undefined)) {
      if (!isGood) await this.#resources.dispose(pooled)
      return
    }
    const isRetained = isGood && this.#slots.count + this.#idle.size <= this.#settings.size
    if (isRetained) this.#idle.add(pooled)
    this.#free()
    if (!isRetained) await this.#resources.dispose(pooled)
  }

  /** Gives a free slot to the caller that has waited longest. */
  #free(): void {
    if (this.#waiting.serve(undefined)) return
    this.#slots.end()
  }

  #warm(): void {
    this.#slots.take()
    // The next caller that acquires a resource gets the error.
    this.#releaseLater(this.#fit(undefined))
  }
}
