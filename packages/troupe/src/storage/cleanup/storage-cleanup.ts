/** Keeps what storage itself needs within its bounds: ids of changes, items of the feed. */
import type { Cancel, Clock } from '../../core/index.ts'
import { type RetentionBounds, retentionBounds, type StorageRetention } from './storage-retention.ts'

export interface StorageCleanupOptions {
  readonly clock: Clock
  readonly retention: StorageRetention
  /** Each works in small changes, so that nobody's commit waits long for it. @returns whether there may be more for it */
  readonly cleanupTasks: readonly ((bounds: RetentionBounds) => Promise<boolean>)[]
  /** After a round. */
  readonly afterwards?: () => Promise<void>
}

export class StorageCleanup {
  readonly #options: StorageCleanupOptions
  #bounds: RetentionBounds
  #cancel: Cancel | undefined
  #stopped = false
  #round: Promise<void> = Promise.resolve()

  constructor(options: StorageCleanupOptions) {
    this.#options = options
    this.#bounds = retentionBounds(options.retention)
    this.#schedule()
  }

  /** Holds from now on; the next round is counted from now too. */
  setRetention(retention: StorageRetention): void {
    this.#bounds = retentionBounds(retention)
    if (!this.#cancel) return
    this.#cancel()
    this.#schedule()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel?.()
    await this.#round
  }

  #schedule(): void {
    if (this.#stopped) return
    const run = () => {
      // What cannot be swept now is found again in the next round; the storage's state tells of the failure.
      this.#cancel = undefined
      this.#round = this.#cleanup().then(
        () => this.#schedule(),
        () => this.#schedule(),
      )
    }
    this.#cancel = this.#options.clock.after(this.#bounds.everyMs, run, { background: true })
  }

  /** Until everything is within its bounds. */
  async #cleanup(): Promise<void> {
    const { cleanupTasks, afterwards } = this.#options
    for (const cleanup of cleanupTasks) while (!this.#stopped && (await cleanup(this.#bounds)));
    if (!this.#stopped) await afterwards?.()
  }
}
