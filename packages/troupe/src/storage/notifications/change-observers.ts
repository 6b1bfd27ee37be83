/** Those who keep what they have read, and must let go of it before a change can be seen. */
import type { Change, ChangeObserver } from '../storage-port.ts'

export class ChangeObservers {
  readonly #all = new Set<ChangeObserver>()

  /** @returns a function that ends it */
  observe(observer: ChangeObserver): () => void {
    this.#all.add(observer)
    return () => void this.#all.delete(observer)
  }

  begin(changes: readonly { readonly change: Change }[]): void {
    for (const observer of this.#all) for (const { change } of changes) observer.begins(change)
  }

  endChanges(changes: readonly { readonly change: Change }[]): void {
    for (const observer of this.#all) for (const { change } of changes) observer.ended(change)
  }

  close(): void {
    for (const observer of this.#all) observer.closed()
    this.#all.clear()
  }
}
