/** The commits of other processes that this process knows. A poll compares with them to find lost hints. */
import type { Hint } from '../../storage-port.ts'
import { queues } from './read-payload.ts'

/** The wakes of all processes so far, and the users whose revision rose recently. */
export interface PolledHints {
  readonly wakes: number
  /** Ms since 1970 in the database's time. */
  readonly at: number
  readonly users: readonly Hint[]
  /** The clock of this process or of the server was set: what was computed from its time must be computed afresh. */
  readonly isClockSet: boolean
}

/** The maximum delay in ms between the time in a commit and its visibility. */
const overlapMs = 15_000
const maxUsers = 50_000

export class SeenHints {
  readonly #revisions = new Map<string, number>()
  #wakes = -1
  #at = 0
  #repeats = false

  /** The time from which the next poll reads. The first poll reads no users: every read after it sees their changes. */
  get since(): number {
    return this.#wakes < 0 ? Number.MAX_SAFE_INTEGER : this.#at - overlapMs
  }

  /** Makes the next poll announce all queues, because the connection was lost for a while. */
  repeat(): void {
    this.#repeats = true
  }

  /** @returns whether the revision is new */
  isRaisedBy(hint: Extract<Hint, { user: unknown }>): boolean {
    const known = this.#revisions.get(hint.user) ?? 0
    if (hint.revision > known) this.#revisions.set(hint.user, hint.revision)
    return hint.revision > known
  }

  /**
   * Records a poll. Queues with new wakes are announced by the next poll too: the counted changes may not have been
   * committed when a listener read. The first poll announces no hints.
   * @returns the hints to announce
   */
  newsOf({ wakes, at, users, isClockSet }: PolledHints): readonly Hint[] {
    const isFirst = this.#wakes < 0
    const hasNewWakes = wakes !== this.#wakes
    const announcesQueues = hasNewWakes || isClockSet || this.#repeats
    this.#wakes = wakes
    this.#at = at
    this.#repeats = hasNewWakes
    const raised = users.filter((hint) => 'user' in hint && this.isRaisedBy(hint))
    if (this.#revisions.size > maxUsers) this.#revisions.clear()
    if (isFirst) return []
    return announcesQueues ? [...raised, ...queues.map((work): Hint => ({ work }))] : raised
  }
}
