/**
 * Something came for a run that this process does not carry on. Whoever does takes it in; where nobody does, one of those
 * that have its code takes the run up. Asked once for all that comes within a moment.
 */
import type { Clock, Random, UserId } from '../../core/index.ts'

interface Offer {
  /** Something came after it was looked at last. */
  again: boolean
}

/** So that not all processes go for the same run at once. */
const spreadMs = 50
/** Between two looks at one run. */
const pauseMs = 1_000

export class RunOffers {
  readonly #clock: Clock
  readonly #random: Random
  readonly #look: (user: UserId, run: string) => Promise<void>
  readonly #open = new Map<string, Offer>()

  /** @param look takes the run up where nobody carries it on; never rejects */
  constructor(clock: Clock, random: Random, look: (user: UserId, run: string) => Promise<void>) {
    this.#clock = clock
    this.#random = random
    this.#look = look
  }

  came(user: UserId, run: string): void {
    const key = JSON.stringify([user, run])
    const open = this.#open.get(key)
    if (open) {
      open.again = true
      return
    }
    this.#open.set(key, { again: false })
    this.#after(this.#random.next() * spreadMs, key, user, run)
  }

  #after(ms: number, key: string, user: UserId, run: string): void {
    const offer = this.#open.get(key) as Offer
    this.#clock.after(
      ms,
      async () => {
        offer.again = false
        await this.#look(user, run)
        this.#clock.after(
          pauseMs,
          () => {
            if (offer.again) this.#after(0, key, user, run)
            else this.#open.delete(key)
          },
          { background: true },
        )
      },
      { background: true },
    )
  }
}
