/**
 * Resources that are lent to one caller at a time. A resource is created on demand, checked before each use, and disposed of
 * when it is idle for long or too old. Callers are served in order of arrival.
 *
 * Invariant: each served caller has a slot, and there are at most `maxSize` slots. A slot becomes free when its resource is
 * returned or could not be created.
 */
import { duration, failure } from '../../core/index.ts'
import { IdleResources } from './idle-resources.ts'
import type { PoolSettings } from './pool-options.ts'
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

export class LentResources<T> {
  readonly #settings: PoolSettings<T>
  readonly #resources: PoolResources<T>
  readonly #idle: IdleResources<T>
  /** Each waiting caller receives a slot, together with its resource if that is still good. */
  readonly #waiting = new WaitingCallers<PooledResource<T> | undefined>()
  readonly #slots = new UsedSlots()
  #timeouts = 0
  /** Set by the first call of `close`, and returned by later ones. */
  #closing: Promise<void> | undefined

  constructor(settings: PoolSettings<T>) {
    const { clock, idleMs, min } = settings
    this.#settings = settings
    this.#resources = new PoolResources(settings)
    this.#idle = new IdleResources({
      clock,
      idleMs,
      isNeeded: (idle) => idle + this.#slots.count <= min,
      removed: (pooled) => void this.#resources.dispose(pooled),
    })
  }

  get stats(): ResourcePoolStats {
    const { counters } = this.#resources
    const [idle, inUse, waiting] = [this.#idle.size, this.#slots.count, this.#waiting.size]
    return { idle, inUse, waiting, ...counters, timeouts: this.#timeouts }
  }

  /** Creates this number of resources now. @throws the error of `create`, after all have ended */
  async warm(count: number): Promise<void> {
    const made = Array.from({ length: count }, () => {
      this.#slots.take()
      const fitting = this.#fit(undefined)
      this.#releaseLater(fitting)
      return fitting
    })
    for (const one of await Promise.allSettled(made)) if (one.status === 'rejected') throw one.reason
  }

  /**
   * @param isPreferred selects an idle resource; if it selects none, the one that came back last is lent
   * @throws TimeoutError `pool.timeout`; CancelledError if the signal aborts, and `pool.closed`; the errors of `create`
   */
  async acquire(signal: AbortSignal | undefined, isPreferred?: (resource: T) => boolean): Promise<Lent<T>> {
    if (this.#closing) throw this.#closed()
    const limit = this.#limitOf(signal)
    const isFree = this.#slots.count < this.#settings.maxSize
    if (isFree) this.#slots.take()
    const candidate = isFree ? this.#idle.take(isPreferred) : await this.#waiting.wait(limit)
    return this.#lend(await this.#inTime(this.#fit(candidate), limit))
  }

  close(): Promise<void> {
    const closeOnce = async () => {
      this.#waiting.rejectAll(this.#closed())
      await this.#slots.unused(this.#settings.clock, this.#settings.acquireMs)
      for (const pooled of this.#idle.removeAll()) void this.#resources.dispose(pooled)
      await this.#resources.disposalsEnded()
    }
    this.#closing ??= closeOnce()
    return this.#closing
  }

  #closed(): Error {
    return failure('pool.closed', { what: this.#settings.what })
  }

  #limitOf(signal: AbortSignal | undefined): WaitLimit {
    const { clock, acquireMs, what } = this.#settings
    const timedOut = () => {
      this.#timeouts++
      return failure('pool.timeout', { limit: duration(acquireMs) })
    }
    return { clock, until: clock.monotonic() + acquireMs, signal, timedOut, what }
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
}
