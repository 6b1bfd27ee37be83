/**
 * One at a time per key, for updates that met a conflict: so that many writers of one key in one process cost one attempt
 * each instead of one per other writer. What an update does inside never waits here: it could wait for itself.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

export class KeyQueue {
  readonly #tails = new Map<string, Promise<void>>()
  readonly #inside = new AsyncLocalStorage<true>()

  busy(key: string): boolean {
    return this.#tails.has(key)
  }

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (this.#inside.getStore()) return work()
    const before = this.#tails.get(key)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#tails.set(key, promise)
    await before
    try {
      return await this.#inside.run(true, work)
    } finally {
      resolve()
      if (this.#tails.get(key) === promise) this.#tails.delete(key)
    }
  }
}
