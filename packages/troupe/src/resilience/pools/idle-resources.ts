/**
 * The idle resources of a pool. A resource that was idle for too long is removed, unless the pool needs it.
 *
 * Invariant: an idle resource has exactly one timer; a removed resource has none.
 */
import type { Cancel, Clock } from '../../core/index.ts'
import type { PooledResource } from './pool-resources.ts'

export interface IdleResourcesOptions<T> {
  readonly clock: Clock
  /** The time in ms that a resource may be idle. */
  readonly idleMs: number
  /** Returns whether an expired resource must stay; `idle` is the number of idle resources. */
  readonly isNeeded: (idle: number) => boolean
  /** Receives each resource that was removed after its idle time. */
  readonly removed: (pooled: PooledResource<T>) => void
}

interface IdleResource<T> {
  readonly pooled: PooledResource<T>
  cancel: Cancel
}

export class IdleResources<T> {
  readonly #options: IdleResourcesOptions<T>
  readonly #all: IdleResource<T>[] = []

  constructor(options: IdleResourcesOptions<T>) {
    this.#options = options
  }

  get size(): number {
    return this.#all.length
  }

  add(pooled: PooledResource<T>): void {
    const idle: IdleResource<T> = { pooled, cancel: () => {} }
    this.#all.push(idle)
    this.#expireLater(idle)
  }

  /** Removes the most recently used resource, so that the others can expire. */
  take(): PooledResource<T> | undefined {
    const idle = this.#all.pop()
    idle?.cancel()
    return idle?.pooled
  }

  removeAll(): readonly PooledResource<T>[] {
    return this.#all.splice(0).map(({ pooled, cancel }) => {
      cancel()
      return pooled
    })
  }

  #expireLater(idle: IdleResource<T>): void {
    const { clock, idleMs, isNeeded, removed } = this.#options
    const expire = () => {
      if (isNeeded(this.#all.length)) return this.#expireLater(idle)
      this.#all.splice(this.#all.indexOf(idle), 1)
      removed(idle.pooled)
    }
    idle.cancel = clock.after(idleMs, expire, { background: true })
  }
}
