/** Instances of a pool that no caller has, each for a limited time. The one that came back last is lent first. */
import type { Cancel, Clock } from '../../../core/index.ts'

export class IdleInstances<T> {
  readonly #clock: Clock
  readonly #maxIdleMs: number | undefined
  readonly #expired: (instance: T) => void
  readonly #idle: { readonly instance: T; readonly cancel: Cancel }[] = []

  /** @param expired called with an instance that was idle for `maxIdleMs` and is removed */
  constructor(clock: Clock, maxIdleMs: number | undefined, expired: (instance: T) => void) {
    this.#clock = clock
    this.#maxIdleMs = maxIdleMs
    this.#expired = expired
  }

  get size(): number {
    return this.#idle.length
  }

  add(instance: T): void {
    const expire = () => {
      this.#idle.splice(this.#idle.indexOf(entry), 1)
      this.#expired(instance)
    }
    const [clock, maxIdleMs] = [this.#clock, this.#maxIdleMs]
    const cancel = maxIdleMs === undefined ? () => {} : clock.after(maxIdleMs, expire, { background: true })
    const entry = { instance, cancel }
    this.#idle.push(entry)
  }
  /** @param isPreferred selects an instance; if it selects none, the one that came back last is lent */
  take(isPreferred: (instance: T) => boolean = () => true): { readonly instance: T } | undefined {
    const preferred = this.#idle.findLastIndex(({ instance }) => isPreferred(instance))
    const [entry] = this.#idle.splice(preferred, 1)
    entry?.cancel()
    return entry
  }
  takeAll(): readonly T[] {
    const all = this.#idle.splice(0)
    for (const { cancel } of all) cancel()
    return all.map(({ instance }) => instance)
  }
}
