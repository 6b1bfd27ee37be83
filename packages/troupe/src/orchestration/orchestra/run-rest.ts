/**
 * Where several processes share a storage, a run that waits is let go after a moment: it holds no process and no lease,
 * and whoever hears what comes for it takes it up. Let go only if nothing had come.
 */
import type { Cancel, Clock, UserId } from '../../core/index.ts'
import type { RunOwner } from './run-owner.ts'

export interface RestHost {
  readonly clock: Clock
  /** @returns whether nothing had come for it */
  letGo(owner: RunOwner): Promise<boolean>
  /** Something came at the last moment, or letting go failed. */
  takeUpSoon(user: UserId, run: string): void
}

/** What is asked again at once finds its code still at hand. */
const stillMs = 1_000

export class RunRest {
  readonly #host: RestHost
  readonly #resting = new Map<string, Cancel>()
  readonly #lettingGo = new Map<string, Promise<void>>()
  #closed = false

  constructor(host: RestHost) {
    this.#host = host
  }

  /** It waits, or moves again. */
  stands(key: string, owner: RunOwner): void {
    this.moves(key)
    if (this.#closed || owner.lost || owner.over || !owner.waits) return
    const letGo = () => (owner.isResting ? this.#letGo(key, owner) : this.stands(key, owner))
    this.#resting.set(key, this.#host.clock.after(stillMs, letGo, { background: true }))
  }

  moves(key: string): void {
    this.#resting.get(key)?.()
    this.#resting.delete(key)
  }

  /** Resolves when it is not being let go any more. */
  gone(key: string): Promise<void> | undefined {
    return this.#lettingGo.get(key)
  }

  close(): void {
    this.#closed = true
    for (const cancel of this.#resting.values()) cancel()
  }

  #letGo(key: string, owner: RunOwner): void {
    this.#resting.delete(key)
    const going = this.#host
      .letGo(owner)
      .catch(() => false)
      .then((gone) => {
        this.#lettingGo.delete(key)
        if (!gone && !this.#closed) this.#host.takeUpSoon(owner.user, owner.run)
      })
    this.#lettingGo.set(key, going)
  }
}
