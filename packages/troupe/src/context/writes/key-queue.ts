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

  /** @param waitForTurn how its turn is waited for; where that rejects, those behind it still wait for those before it */
  async run<T>(
    key: string,
    work: () => Promise<T>,
    waitForTurn: (turn: Promise<void>) => void | Promise<void> = (turn) => turn,
  ): Promise<T> {
    if (this.#inside.getStore()) return work()
    const before = this.#tails.get(key) ?? Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#tails.set(key, promise)
    const over = () => {
      resolve()
      if (this.#tails.get(key) === promise) this.#tails.delete(key)
    }
    try {
      await waitForTurn(before)
    } catch (error) {
      void before.then(over)
      throw error
    }
    try {
      return await this.#inside.run(true, work)
    } finally {
      over()
    }
  }
}
