/**
 * The idle resources of a pool. A resource that was idle for too long is removed, unless the pool needs it.
 *
 * Invariant: an idle resource has exactly one timer, if there is a limit; a removed resource has none.
 */
import type { Cancel, Clock } from '../../core/index.ts'
import type { PooledResource } from './pool-resources.ts'

export interface IdleResourcesOptions<T> {
  readonly clock: Clock
  /** The time in ms that a resource may be idle; undefined for any time. */
  readonly idleMs: number | undefined
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

  /**
   * Removes the most recently used resource, so that the others can expire.
   * @param isPreferred selects among them; if it selects none, all count
   */
  take(isPreferred: (resource: T) => boolean = () => true): PooledResource<T> | undefined {
    const preferred = this.#all.findLastIndex(({ pooled }) => isPreferred(pooled.resource))
    const [idle] = this.#all.splice(preferred, 1)
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
    if (idleMs === undefined) return
    const expire = () => {
      if (isNeeded(this.#all.length)) return this.#expireLater(idle)
      this.#all.splice(this.#all.indexOf(idle), 1)
      removed(idle.pooled)
    }
    idle.cancel = clock.after(idleMs, expire, { background: true })
  }
}
