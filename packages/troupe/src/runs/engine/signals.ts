/** Signals by key within this process. A signal without a listener is lost. */
import { whenAborted } from '../../core/index.ts'

export class Signals<T> {
  readonly #listeners = new Map<string, Set<(value: T | undefined, error?: unknown) => void>>()

  emit(key: string, value: T): void {
    for (const listener of [...(this.#listeners.get(key) ?? [])]) listener(value)
  }

  /** Returns a promise of the next signal; `stop` removes the listener. The promise also resolves when `signal` aborts. */
  next(key: string, signal?: AbortSignal): { readonly promise: Promise<void>; readonly stop: () => void } {
    let stop = () => {}
    const promise = new Promise<void>((resolve, reject) => {
      const off = this.#listen(key, (_, error) => (error === undefined ? resolve() : reject(error)))
      const stopWatching = whenAborted(signal, resolve)
      stop = () => {
        off()
        stopWatching()
      }
    })
    promise.catch(() => {})
    return { promise, stop }
  }

  /** Yields each signal until `end` or an abort; buffers the latest thousand signals. */
  async *iterate(key: string, signal?: AbortSignal): AsyncGenerator<T> {
    const queue: T[] = []
    let done = false
    let wake = () => {}
    const off = this.#listen(key, (value, error) => {
      if (value === undefined || error !== undefined) done = true
      else if (queue.push(value) > 1_000) queue.shift()
      wake()
    })
    const stopWatching = whenAborted(signal, () => {
      done = true
      wake()
    })
    try {
      while (!done || queue.length > 0) {
        const value = queue.shift()
        if (value !== undefined) yield value
        else
          await new Promise<void>((resolve) => {
            wake = resolve
          })
      }
    } finally {
      off()
      stopWatching()
    }
  }

  /** Ends all listeners of the key. */
  end(key: string): void {
    for (const listener of [...(this.#listeners.get(key) ?? [])]) listener(undefined)
  }

  close(error?: unknown): void {
    for (const listeners of this.#listeners.values()) for (const listener of [...listeners]) listener(undefined, error)
  }

  #listen(key: string, listener: (value: T | undefined, error?: unknown) => void): () => void {
    const listeners = this.#listeners.get(key) ?? new Set()
    this.#listeners.set(key, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#listeners.delete(key)
    }
  }
}
