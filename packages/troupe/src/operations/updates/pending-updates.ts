/** Pending updates: the latest of each subject, or a `resync` if there are too many. */
import { type ListUpdate, subjectOf } from './update.ts'

/** One batch. `resync`: so much changed, or may have been missed, that the reader must load its lists again. */
export type UpdateBatch = readonly ListUpdate[] | 'resync'

/** More subjects than this become a `resync`. */
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
