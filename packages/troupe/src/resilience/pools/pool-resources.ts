/** Makes the resources of a pool, tells which may be lent, and disposes of them. Knows of no caller. */
import type { PoolSettings } from './pool-options.ts'

export interface PooledResource<T> {
  readonly resource: T
  /** Of the monotonic clock, ms. */
  readonly madeAt: number
}

export class PoolResources<T> {
  readonly #settings: PoolSettings<T>
  readonly #counters = { created: 0, disposed: 0 }

  constructor(settings: PoolSettings<T>) {
    this.#settings = settings
  }

  /** How many were created and disposed of so far. */
  get counters(): { readonly created: number; readonly disposed: number } {
    return this.#counters
  }

  /** @throws what the option `create` throws */
  async create(): Promise<PooledResource<T>> {
    const resource = await this.#settings.options.create()
    this.#counters.created++
    return { resource, madeAt: this.#settings.clock.monotonic() }
  }

  isOld({ madeAt }: PooledResource<T>): boolean {
    return this.#settings.clock.monotonic() - madeAt >= this.#settings.lifetimeMs
  }

  /** Whether it may be lent: it is not old, and the option `validate` accepts it. */
  async isUsable(pooled: PooledResource<T>): Promise<boolean> {
    if (this.isOld(pooled)) return false
    try {
      return (await this.#settings.options.validate?.(pooled.resource)) ?? true
    } catch {
      return false
    }
  }

  /** Ignores what the option `dispose` throws: no caller can act on it. */
  async dispose({ resource }: PooledResource<T>): Promise<void> {
    this.#counters.disposed++
    try {
      await this.#settings.options.dispose?.(resource)
    } catch {}
  }
}
