/** The observers of changes: caches of read values, which must drop a value before a change of it becomes visible. */
import type { Change, ChangeObserver } from '../storage-port.ts'

export class ChangeObservers {
  readonly #all = new Set<ChangeObserver>()

  /** @returns a function that ends the observation */
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
