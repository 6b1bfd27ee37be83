/**
 * Counts the arrivals of each row of work that this process has reported, without a gap, and those before the last read of
 * the inbox. If a count is evicted, the steps of the run are looked up again.
 */
import { lruCache, userKey } from '../../core/index.ts'
import type { JournalId } from '../journal-port.ts'

/** The number of cached counts. A waiting run uses no memory here once so many other rows have changed. */
const maxRows = 4_096

interface Counts {
  reported: number
  read: number
}

export class ArrivalCounts {
  readonly #rows = lruCache<Counts>(maxRows)

  /** Returns the number of reported arrivals. */
  reported(user: string, work: JournalId): number {
    return this.#rows.get(userKey(user, work))?.reported ?? 0
  }

  /** Raises the number of reported arrivals. */
  report(user: string, work: JournalId, arrivals: number): void {
    const counts = this.#countsOf(user, work)
    counts.reported = Math.max(counts.reported, arrivals)
  }

  forgetReported(): void {
    for (const counts of this.#rows.values()) counts.reported = 0
  }

  /** Returns the number of arrivals before the last read of the inbox. */
  readUpTo(user: string, work: JournalId): number {
    return this.#rows.get(userKey(user, work))?.read ?? 0
  }

  /** Records a read of the inbox after so many arrivals. @returns true if some of them were not reported before */
  wasRead(user: string, work: JournalId, arrivals: number): boolean {
    const counts = this.#countsOf(user, work)
    const hasUnreported = arrivals > counts.reported
    counts.reported = Math.max(counts.reported, arrivals)
    counts.read = arrivals
    return hasUnreported
  }

  #countsOf(user: string, work: JournalId): Counts {
    const key = userKey(user, work)
    const known = this.#rows.get(key)
    if (known) return known
    const counts = { reported: 0, read: 0 }
    this.#rows.set(key, counts)
    return counts
  }
}
