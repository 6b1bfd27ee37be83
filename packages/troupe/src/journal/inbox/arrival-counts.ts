/**
 * How many arrivals of each row of work this process knows: those it reported, without a gap, and those that had come when
 * the inbox was read last. A count that was forgotten makes the steps of a run be looked up again.
 */
import { lruCache } from '../../core/index.ts'
import type { JournalId } from '../journal-port.ts'

/** The counts of the rows that changed last are kept: a run that waits costs nothing here once so many others have changed. */
const maxRows = 4_096

interface Counts {
  reported: number
  read: number
}

export class ArrivalCounts {
  readonly #rows = lruCache<Counts>(maxRows)

  /** Returns how many arrivals were reported here. */
  reported(user: string, work: JournalId): number {
    return this.#rows.get(keyOf(user, work))?.reported ?? 0
  }

  /** Records that so many arrivals were reported; never fewer than before. */
  report(user: string, work: JournalId, arrivals: number): void {
    const counts = this.#countsOf(user, work)
    counts.reported = Math.max(counts.reported, arrivals)
  }

  forgetReported(): void {
    for (const counts of this.#rows.values()) counts.reported = 0
  }

  /** Returns how many had arrived when the inbox was read last. */
  readUpTo(user: string, work: JournalId): number {
    return this.#rows.get(keyOf(user, work))?.read ?? 0
  }

  /** Records that the inbox was read when so many had arrived. @returns whether some of them were not reported before */
  wasRead(user: string, work: JournalId, arrivals: number): boolean {
    const counts = this.#countsOf(user, work)
    const hasUnreported = arrivals > counts.reported
    counts.reported = Math.max(counts.reported, arrivals)
    counts.read = arrivals
    return hasUnreported
  }

  #countsOf(user: string, work: JournalId): Counts {
    const key = keyOf(user, work)
    const known = this.#rows.get(key)
    if (known) return known
    const counts = { reported: 0, read: 0 }
    this.#rows.set(key, counts)
    return counts
  }
}

const keyOf = (user: string, journal: JournalId) => `${user.length} ${user}${journal}`
