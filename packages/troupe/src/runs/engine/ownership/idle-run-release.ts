/**
 * A run that waits for a moment is released: it holds no memory, no process and no lease. The process that hears what comes
 * for it claims it. It is released only if nothing had come.
 */
import type { Cancel, Clock, UserId } from '../../../core/index.ts'
import type { RunOwner } from '../execution/run-owner.ts'

export interface IdleRunReleaseHost {
  readonly clock: Clock
  /** @returns whether nothing had come for it */
  release(owner: RunOwner): Promise<boolean>
  /** Something came at the last moment, or letting go failed. */
  claimSoon(user: UserId, run: string): void
}

/** What is asked again at once finds its code still at hand. */
const stillMs = 1_000

export class IdleRunRelease {
  readonly #host: IdleRunReleaseHost
  readonly #resting = new Map<string, Cancel>()
  readonly #releases = new Map<string, Promise<void>>()
  #closed = false

  constructor(host: IdleRunReleaseHost) {
    this.#host = host
  }

  /** It waits, or moves again. */
  scheduleRelease(key: string, owner: RunOwner): void {
    this.moves(key)
    if (this.#closed || owner.lost || owner.over || !owner.waits) return
    const release = () => (owner.isResting ? this.#release(key, owner) : this.scheduleRelease(key, owner))
    this.#resting.set(key, this.#host.clock.after(stillMs, release, { background: true }))
  }

  moves(key: string): void {
    this.#resting.get(key)?.()
    this.#resting.delete(key)
  }

  /** Resolves when it is not being let go any more. */
  gone(key: string): Promise<void> | undefined {
    return this.#releases.get(key)
  }

  close(): void {
    this.#closed = true
    for (const cancel of this.#resting.values()) cancel()
  }

  #release(key: string, owner: RunOwner): void {
    this.#resting.delete(key)
    const releasing = this.#host
      .release(owner)
      .catch(() => false)
      .then((gone) => {
        this.#releases.delete(key)
        if (!gone && !this.#closed) this.#host.claimSoon(owner.user, owner.run)
      })
    this.#releases.set(key, releasing)
  }
}
