/** What this process knows of the commits of others, by which a poll finds the hints that were lost. */
import type { Hint } from '../../storage-port.ts'
import { queues } from './read-payload.ts'

/** Wakes of all processes so far, and users whose revision rose of late. */
export interface PolledHints {
  readonly wakes: number
  /** Ms since 1970, by the database. */
  readonly at: number
  readonly users: readonly Hint[]
}

/** A commit may be seen so much later than the time it bears. */
const overlapMs = 15_000
const maxUsers = 50_000

export class SeenHints {
  readonly #revisions = new Map<string, number>()
  #wakes = -1
  #at = 0
  #repeats = false

  /** The time from which the next poll reads. */
  get since(): number {
    return this.#at - overlapMs
  }

  /** The next poll announces the queues, whatever it finds: the connection was lost for a while. */
  repeat(): void {
    this.#repeats = true
  }

  /** @returns whether the revision is news */
  isRaisedBy(hint: Extract<Hint, { user: unknown }>): boolean {
    const known = this.#revisions.get(hint.user) ?? 0
    if (hint.revision > known) this.#revisions.set(hint.user, hint.revision)
    return hint.revision > known
  }

  /**
   * Records a poll. Queues with new wakes are news of the next poll too, since what was counted may not have been committed
   * yet when a listener read it. The first poll has no news.
   * @returns the hints to announce
   */
  newsOf({ wakes, at, users }: PolledHints): readonly Hint[] {
    const isFirst = this.#wakes < 0
    const hasNewWakes = wakes !== this.#wakes
    const announcesQueues = hasNewWakes || this.#repeats
    this.#wakes = wakes
    this.#at = at
    this.#repeats = hasNewWakes
    const raised = users.filter((hint) => 'user' in hint && this.isRaisedBy(hint))
    if (this.#revisions.size > maxUsers) this.#revisions.clear()
    if (isFirst) return []
    return announcesQueues ? [...raised, ...queues.map((work): Hint => ({ work }))] : raised
  }
}
