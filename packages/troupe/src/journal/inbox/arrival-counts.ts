/**
 * How many arrivals of each row of work this process knows: those it reported, without a gap, and those that had come when
 * the inbox was read last. A count that was forgotten makes the steps of a run be looked up once more.
 */
import type { JournalId } from '../journal-port.ts'

const maxRows = 50_000

export class ArrivalCounts {
  readonly #reported = new Map<string, number>()
  readonly #read = new Map<string, number>()

  /** Returns how many arrivals were reported here. */
  reported(user: string, work: JournalId): number {
    return this.#reported.get(keyOf(user, work)) ?? 0
  }

  /** Records that so many arrivals were reported; never fewer than before. */
  report(user: string, work: JournalId, arrivals: number): void {
    const known = this.reported(user, work)
    if (this.#reported.size >= maxRows && known === 0) this.#reported.clear()
    this.#reported.set(keyOf(user, work), Math.max(known, arrivals))
  }

  forgetReported(): void {
    this.#reported.clear()
  }

  /** Returns how many had arrived when the inbox was read last. */
  readUpTo(user: string, work: JournalId): number {
    return this.#read.get(keyOf(user, work)) ?? 0
  }

  /** Records that the inbox was read when so many had arrived. @returns whether some of them were not reported before */
  wasRead(user: string, work: JournalId, arrivals: number): boolean {
    const hasUnreported = arrivals > this.reported(user, work)
    this.report(user, work, arrivals)
    if (this.#read.size >= maxRows) this.#read.clear()
    this.#read.set(keyOf(user, work), arrivals)
    return hasUnreported
  }
}

const keyOf = (user: string, journal: JournalId) => `${user.length} ${user}${journal}`
