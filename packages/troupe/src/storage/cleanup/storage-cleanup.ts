/** Periodic removal of old rows from storage's own tables: ids of changes and items of the feed. */
import { type Clock, PeriodicTask } from '../../core/index.ts'
import { type RetentionBounds, retentionBounds, type StorageRetention } from './storage-retention.ts'

export interface StorageCleanupOptions {
  readonly clock: Clock
  readonly retention: StorageRetention
  /** Each task uses small changes, so that commits do not wait long. @returns whether more rows may remain */
  readonly cleanupTasks: readonly ((bounds: RetentionBounds) => Promise<boolean>)[]
  /** Is called after each clean-up. */
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
    // The state of the storage reports a failure, and the next clean-up finds the same rows.
    this.#task = new PeriodicTask({ name: 'storage cleanup', clock, intervalMs: this.#bounds.everyMs, run })
    this.#task.start()
  }

  /** Applies the new retention. The interval to the next clean-up starts now. */
  setRetention(retention: StorageRetention): void {
    this.#bounds = retentionBounds(retention)
    this.#task.setInterval(this.#bounds.everyMs)
  }

  stop(): Promise<void> {
    return this.#task.close()
  }

  /** Repeats each task until no more rows remain to be removed. */
  async #cleanup(): Promise<void> {
    const { cleanupTasks, afterwards } = this.#options
    for (const cleanup of cleanupTasks) while (!this.#task.isClosed && (await cleanup(this.#bounds)));
    if (!this.#task.isClosed) await afterwards?.()
  }
}
