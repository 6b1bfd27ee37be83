/** Keeps what storage itself needs within its bounds: ids of changes, items of the feed. */
import { type Clock, PeriodicTask } from '../../core/index.ts'
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
  readonly #task: PeriodicTask

  constructor(options: StorageCleanupOptions) {
    this.#options = options
    this.#bounds = retentionBounds(options.retention)
    const { clock } = options
    const run = () => this.#cleanup()
    // The state of the storage shows a failure; the next round finds the same rows.
    this.#task = new PeriodicTask({ name: 'storage cleanup', clock, intervalMs: this.#bounds.everyMs, run })
    this.#task.start()
  }

  /** Holds from now on; the next round is counted from now too. */
  setRetention(retention: StorageRetention): void {
    this.#bounds = retentionBounds(retention)
    this.#task.setInterval(this.#bounds.everyMs)
  }

  stop(): Promise<void> {
    return this.#task.close()
  }

  /** Until everything is within its bounds. */
  async #cleanup(): Promise<void> {
    const { cleanupTasks, afterwards } = this.#options
    for (const cleanup of cleanupTasks) while (!this.#task.isClosed && (await cleanup(this.#bounds)));
    if (!this.#task.isClosed) await afterwards?.()
  }
}
