/**
 * The instances of a pool: created when a caller waits and the limit allows it, lent to one caller at a time, and disposed of
 * after the longest idle time.
 *
 * Invariant: `created` counts the instances that exist or are being created, and is never above `size`.
 */
import { type Clock, type Duration, failure } from '../../../core/index.ts'
import { AcquireQueue, type Waiter } from './acquire-queue.ts'
import { IdleInstances } from './idle-instances.ts'

export interface PooledInstancesParts<T> {
  readonly size: number
  readonly clock: Clock
  readonly acquireTimeout: Duration
  readonly maxIdleMs: number | undefined
  readonly create: () => T | Promise<T>
  /** Never rejects. */
  readonly dispose: (instance: T) => Promise<void>
}

export class PooledInstances<T> {
  readonly #parts: PooledInstancesParts<T>
  readonly #queue: AcquireQueue<T>
  readonly #idle: IdleInstances<T>
  /** The key of the caller that had the instance last. */
  readonly #lastKeys = new Map<T, string>()
  #created = 0
  #inUse = 0
  #disposed = 0
  #closed = false
  #resolveUnused: (() => void) | undefined

  constructor(parts: PooledInstancesParts<T>) {
    this.#parts = parts
    this.#queue = new AcquireQueue(parts.clock, parts.acquireTimeout)
    this.#idle = new IdleInstances(parts.clock, parts.maxIdleMs, (instance) => void this.#dispose(instance))
  }

  counts() {
    return {
      created: this.#created,
      inUse: this.#inUse,
      idle: this.#idle.size,
      waiting: this.#queue.size,
      timeouts: this.#queue.timeouts,
      disposed: this.#disposed,
    }
  }

  /** Creates this number of instances now. @throws the error of `create`, after all have ended */
  async warm(count: number): Promise<void> {
    const made = await Promise.allSettled(Array.from({ length: count }, () => this.#create()))
    for (const one of made) if (one.status === 'fulfilled') this.release(one.value)
    for (const one of made) if (one.status === 'rejected') throw one.reason
  }

  /** @throws TimeoutError `pool.timeout`, CancelledError, the error of `create` */
  async take(signal: AbortSignal | undefined, key: string | undefined): Promise<T> {
    const instance = await this.#takeAny(signal, key)
    if (key === undefined) this.#lastKeys.delete(instance)
    else this.#lastKeys.set(instance, key)
    return instance
  }

  #takeAny(signal: AbortSignal | undefined, key: string | undefined): T | Promise<T> {
    const free = this.#idle.take((instance) => this.#lastKeys.get(instance) === key)
    if (free) {
      this.#inUse++
      return free.instance
    }
    const waiter = this.#queue.createWaiter(signal)
    if (this.#created < this.#parts.size && this.#queue.size === 0) this.#createFor(waiter)
    else this.#queue.enqueue(waiter)
    return waiter.instance
  }

  release(instance: T): void {
    const next = this.#queue.dequeue()
    if (next) {
      next.resolve(instance)
      return
    }
    this.#inUse--
    this.#idle.add(instance)
    if (this.#inUse === 0) this.#resolveUnused?.()
  }

  /** Rejects waiting callers, waits until lent instances are returned, and disposes of all instances. */
  async close(): Promise<void> {
    this.#closed = true
    this.#queue.rejectAll(failure('pool.closed', { what: 'Acquiring an instance' }))
    if (this.#inUse > 0)
      await new Promise<void>((resolve) => {
        this.#resolveUnused = resolve
      })
    await Promise.all(this.#idle.takeAll().map((instance) => this.#dispose(instance)))
  }

  /** An instance that is created too late for its caller goes to the next. */
  #createFor(waiter: Waiter<T>): void {
    this.#create().then(
      (instance) => (waiter.isFinished ? this.release(instance) : waiter.resolve(instance)),
      (error: unknown) => (waiter.isFinished ? undefined : waiter.reject(error)),
    )
  }
  /** Counts first, so that no two calls create one instance too many. */
  async #create(): Promise<T> {
    this.#created++
    this.#inUse++
    try {
      return await this.#parts.create()
    } catch (error) {
      this.#created--
      this.#inUse--
      this.#createForNext()
      throw error
    }
  }
  /** Creates an instance for the first caller that waits, after a creation has failed. */
  #createForNext(): void {
    const next = this.#closed ? undefined : this.#queue.dequeue()
    if (next) this.#createFor(next)
    else if (this.#inUse === 0) this.#resolveUnused?.()
  }
  #dispose(instance: T): Promise<void> {
    this.#created--
    this.#disposed++
    this.#lastKeys.delete(instance)
    return this.#parts.dispose(instance)
  }
}
