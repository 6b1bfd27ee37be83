/** Counts the used slots of a pool: for resources that are lent, being created or being checked. */
import type { Clock } from '../../core/index.ts'

export class UsedSlots {
  #count = 0
  /** The number of slots without a caller: their resources are being created or checked. */
  #late = 0
  /** False once a close waits no longer for slots without a caller. */
  #isLateCounted = true
  #ended: (() => void) | undefined

  get count(): number {
    return this.#count
  }

  take(): void {
    this.#count++
  }

  end(): void {
    this.#count--
    this.#endIfUnused()
  }

  /** The slot has no caller from now on. @returns a function for the time when its resource is available or has failed */
  loseCaller(): () => void {
    this.#late++
    this.#endIfUnused()
    return () => void this.#late--
  }

  /** Resolves when no slot is used; after the limit, when no caller has one. */
  async unused(clock: Clock, limitMs: number): Promise<void> {
    if (this.#count === 0) return
    const ended = Promise.withResolvers<void>()
    this.#ended = ended.resolve
    const stop = clock.after(limitMs, () => {
      this.#isLateCounted = false
      this.#endIfUnused()
    })
    await ended.promise
    stop()
  }

  #endIfUnused(): void {
    if (this.#count === (this.#isLateCounted ? 0 : this.#late)) this.#ended?.()
  }
}
