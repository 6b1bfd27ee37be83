/**
 * Serializes updates of one key that met a conflict, so that each of many writers in one process needs one attempt and not one
 * per other writer. An update inside the function of another does not wait here, since it could wait for itself.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

interface Turn {
  readonly key: string
  /** True if its function has updated the same key. */
  nested: boolean
}

export class KeyQueue {
  readonly #tails = new Map<string, Promise<void>>()
  readonly #inside = new AsyncLocalStorage<Turn>()

  busy(key: string): boolean {
    return this.#tails.has(key)
  }

  /**
   * @param work its argument returns whether an update of the same key ran inside since the last call
   * @param waitForTurn waits for the turn of the caller. If it rejects, later callers still wait for earlier ones
   */
  async run<T>(
    key: string,
    work: (wasNested: () => boolean) => Promise<T>,
    waitForTurn: (turn: Promise<void>) => void | Promise<void> = (turn) => turn,
  ): Promise<T> {
    const around = this.#inside.getStore()
    if (around) {
      if (around.key === key) around.nested = true
      return this.#work({ key, nested: false }, work)
    }
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
      return await this.#work({ key, nested: false }, work)
    } finally {
      over()
    }
  }

  #work<T>(turn: Turn, work: (wasNested: () => boolean) => Promise<T>): Promise<T> {
    const wasNested = () => {
      const { nested } = turn
      turn.nested = false
      return nested
    }
    return this.#inside.run(turn, () => work(wasNested))
  }
}
