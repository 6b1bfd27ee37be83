/** Updates that wait to be sent: the latest of each subject, and beyond a number of them only that much changed. */
import { type ListUpdate, subjectOf } from './update.ts'

/** What is sent at once; `resync`: so much changed, or may have been missed, that the reader loads its lists anew. */
export type UpdateBatch = readonly ListUpdate[] | 'resync'

/** More subjects than that are a `resync`. */
export const maxUpdates = 200

export class PendingUpdates {
  readonly #bySubject = new Map<string, ListUpdate>()
  #resync = false

  get isEmpty(): boolean {
    return !this.#resync && this.#bySubject.size === 0
  }

  add(update: ListUpdate | 'resync'): void {
    if (this.#resync) return
    if (update !== 'resync') this.#bySubject.set(subjectOf(update), update)
    if (update === 'resync' || this.#bySubject.size > maxUpdates) {
      this.#resync = true
      this.#bySubject.clear()
    }
  }

  take(): UpdateBatch {
    const batch = this.#resync ? 'resync' : [...this.#bySubject.values()]
    this.#bySubject.clear()
    this.#resync = false
    return batch
  }
}
