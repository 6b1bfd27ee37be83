/** The handlers and hooks of one worker in progress: the end of the worker waits for them, so they must not wait for it. */
import { AsyncLocalStorage } from 'node:async_hooks'

export class OwnCode {
  readonly #scopes = new AsyncLocalStorage<{ isOver: boolean }>()

  /** Whether the caller is a handler or hook in progress, or something that it called. */
  get calls(): boolean {
    return this.#scopes.getStore()?.isOver === false
  }

  async run<Out>(code: () => Promise<Out>): Promise<Out> {
    const scope = { isOver: false }
    try {
      return await this.#scopes.run(scope, code)
    } finally {
      // Timers and loops that it has started outlive it.
      scope.isOver = true
    }
  }
}
