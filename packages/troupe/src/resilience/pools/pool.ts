/**
 * Resources that are expensive to make (connections, browsers), lent one at a time. A resource is made when it is wanted,
 * checked before it is lent, and disposed of when it is idle for long or old. Callers are served in the order in which
 * they came.
 *
 * Invariant: each caller that is served has a place, and there are at most `size` and `overflow` places. A place is free
 * again when its resource comes back, or could not be made.
 */
import { checkCall, checkFunction, duration, failure } from '../../core/index.ts'
import { IdleResources } from './idle-resources.ts'
import { type PoolOptions, type PoolSettings, poolSettings } from './pool-options.ts'
import { type PooledResource, PoolResources } from './pool-resources.ts'
import { WaitingCallers, type WaitLimit, watchLimit } from './waiting-callers.ts'

export interface Lent<T> extends AsyncDisposable {
  readonly resource: T
  /** Gives it back; a second time does nothing. @param broken it is let go of */
  release(outcome?: { readonly broken?: boolean }): Promise<void>
}

export interface ResourcePoolStats {
  readonly idle: number
  readonly inUse: number
  readonly waiting: number
  readonly created: number
  readonly disposed: number
  readonly timeouts: number
}

/**
 * @example
 * const pool = new Pool({ create: connect, dispose: (one) => one.close(), validate: (one) => one.ping() })
 * const rows = await pool.use((connection) => connection.query('select 1'))
 */
export class Pool<T> implements AsyncDisposable {
  readonly #settings: PoolSettings<T>
  readonly #resources: PoolResources<T>
  readonly #idle: IdleResources<T>
  /** Each is handed a place, with the resource that has it where that is good. */
  readonly #waiting = new WaitingCallers<PooledResource<T> | undefined>()
  /** Places: of resources that are lent, being made, or being checked. */
  #inUse = 0
  #timeouts = 0
  #closed = false
  #empty: (() => void) | undefined

  /** @throws ValidationError naming the option that is wrong */
  constructor(options: PoolOptions<T>) {
    const settings = poolSettings(options)
    const { clock, idleMs, min } = settings
    const resources = new PoolResources(settings)
    this.#settings = settings
    this.#resources = resources
    this.#idle = new IdleResources({
      clock,
      idleMs,
      isNeeded: (idle) => idle + this.#inUse <= min,
      removed: (pooled) => void resources.dispose(pooled),
    })
    for (let i = 0; i < min; i++) this.#warm()
  }

  get stats(): ResourcePoolStats {
    const { counters } = this.#resources
    const [idle, inUse, waiting] = [this.#idle.size, this.#inUse, this.#waiting.size]
    return { idle, inUse, waiting, ...counters, timeouts: this.#timeouts }
  }

  /** @throws TimeoutError `pool.timeout`; CancelledError when the signal aborts, or closed; what `create` throws */
  async acquire(options: { readonly signal?: AbortSignal } = {}): Promise<Lent<T>> {
    checkCall('Acquiring from a pool', options)
    if (this.#closed) throw failure('troupe.closed', { what: 'Acquiring from a pool' })
    const limit = this.#limitOf(options.signal)
    const isFree = this.#inUse < this.#settings.maxSize
    if (isFree) this.#inUse++
    const candidate = isFree ? this.#idle.take() : await this.#waiting.wait(limit)
    return this.#lend(await this.#inTime(this.#fit(candidate), limit))
  }

  /** Lends one for as long as the function works. */
  async use<Out>(
    run: (resource: T) => Promise<Out> | Out,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Out> {
    checkFunction('What Pool.use was given', run)
    await using lent = await this.acquire(options)
    return await run(lent.resource)
  }

  /** Lends no more, waits for what is lent, and disposes of all. */
  async close(): Promise<void> {
    this.#closed = true
    this.#waiting.rejectAll(failure('troupe.closed', { what: 'Acquiring from a pool' }))
    if (this.#inUse > 0)
      await new Promise<void>((resolve) => {
        this.#empty = resolve
      })
    await Promise.all(this.#idle.removeAll().map((pooled) => this.#resources.dispose(pooled)))
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

  /** What comes too late is kept for others: until then it has its place. */
  async #inTime(fitting: Promise<PooledResource<T>>, limit: WaitLimit): Promise<PooledResource<T>> {
    const over = Promise.withResolvers<never>()
    const endWatch = watchLimit(limit, over.reject)
    try {
      return await Promise.race([fitting, over.promise])
    } catch (error) {
      fitting.then(
        (pooled) => this.#release(pooled, false),
        () => this.#free(),
      )
      throw error
    } finally {
      endWatch()
    }
  }

  /** @returns one that may be lent: the candidate, another idle one, or a new one */
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
    const isGood = !broken && !this.#closed && !this.#resources.isOld(pooled)
    // Its place goes along.
    if (this.#waiting.serve(isGood ? pooled : undefined)) {
      if (!isGood) await this.#resources.dispose(pooled)
      return
    }
    const isRetained = isGood && this.#inUse + this.#idle.size <= this.#settings.size
    if (isRetained) this.#idle.add(pooled)
    this.#free()
    if (!isRetained) await this.#resources.dispose(pooled)
  }

  /** A place is free: it goes to the caller that waits longest. */
  #free(): void {
    if (this.#waiting.serve(undefined)) return
    this.#inUse--
    if (this.#inUse === 0) this.#empty?.()
  }

  #warm(): void {
    this.#inUse++
    void this.#fit(undefined).then(
      (pooled) => this.#release(pooled, false),
      // The next caller that acquires one gets the error.
      () => this.#free(),
    )
  }
}
