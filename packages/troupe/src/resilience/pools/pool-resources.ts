/** Creates, checks and disposes of the resources of a pool. It does not know the callers. */
import type { PoolSettings } from './pool-options.ts'

export interface PooledResource<T> {
  readonly resource: T
  /** The monotonic time of its creation, in ms. */
  readonly madeAt: number
}

export class PoolResources<T> {
  readonly #settings: PoolSettings<T>
  readonly #counters = { created: 0, disposed: 0 }
  readonly #disposals = new Set<Promise<void>>()

  constructor(settings: PoolSettings<T>) {
    this.#settings = settings
  }

  /** The number of resources created and disposed of so far. */
  get counters(): { readonly created: number; readonly disposed: number } {
    return this.#counters
  }

  /** @throws the errors of the option `create` */
  async create(): Promise<PooledResource<T>> {
    const resource = await this.#settings.options.create()
    this.#counters.created++
    return { resource, madeAt: this.#settings.clock.monotonic() }
  }

  isOld({ madeAt }: PooledResource<T>): boolean {
    return this.#settings.clock.monotonic() - madeAt >= this.#settings.lifetimeMs
  }

  /** Returns whether the resource may be lent: not too old, and accepted by the option `validate`. */
  async isUsable(pooled: PooledResource<T>): Promise<boolean> {
    if (this.isOld(pooled)) return false
    try {
      return (await this.#settings.options.validate?.(pooled.resource)) ?? true
    } catch {
      return false
    }
  }

  /** Ignores errors of the option `dispose`, because no caller can act on them. */
  dispose({ resource }: PooledResource<T>): Promise<void> {
    this.#counters.disposed++
    const ended = () => void this.#disposals.delete(disposal)
    const disposal: Promise<void> = Promise.try(() => this.#settings.options.dispose?.(resource)).then(ended, ended)
    this.#disposals.add(disposal)
    return disposal
  }

  /** Resolves when the resources that are being disposed of now are disposed of. */
  async disposalsEnded(): Promise<void> {
    await Promise.all(this.#disposals)
  }
}
