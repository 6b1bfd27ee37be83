/**
 * Something came for a run that this process does not carry on. Whoever does takes it in; where nobody does, one of those
 * that have its code takes the run up. Asked once for all that comes within a moment.
 */
import type { Clock, Random, UserId } from '../../../core/index.ts'

interface Offer {
  /** Something came after it was looked at last. */
  needsRecheck: boolean
}

/** So that not all processes go for the same run at once. */
const spreadMs = 50
/** Between two looks at one run. */
const pauseMs = 1_000

export class RunWakeups {
  readonly #clock: Clock
  readonly #random: Random
  readonly #claim: (user: UserId, run: string) => Promise<void>
  readonly #open = new Map<string, Offer>()

  /** @param claim takes the run up where nobody carries it on; never rejects */
  constructor(clock: Clock, random: Random, claim: (user: UserId, run: string) => Promise<void>) {
    this.#clock = clock
    this.#random = random
    this.#claim = claim
  }

  came(user: UserId, run: string): void {
    const key = JSON.stringify([user, run])
    const open = this.#open.get(key)
    if (open) {
      open.needsRecheck = true
      return
    }
    this.#open.set(key, { needsRecheck: false })
    this.#after(this.#random.next() * spreadMs, key, user, run)
  }

  #after(ms: number, key: string, user: UserId, run: string): void {
    const offer = this.#open.get(key) as Offer
    this.#clock.after(
      ms,
      async () => {
        offer.needsRecheck = false
        await this.#claim(user, run)
        this.#clock.after(
          pauseMs,
          () => {
            if (offer.needsRecheck) this.#after(0, key, user, run)
            else this.#open.delete(key)
          },
          { background: true },
        )
      },
      { background: true },
    )
  }
}
