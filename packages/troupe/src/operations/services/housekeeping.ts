/** The periodic work of a troupe: deletes data after its retention. */
import type { CleanupTask } from '../../configuration/index.ts'
import { type Clock, PeriodicTask } from '../../core/index.ts'
import type { Log } from '../../observability/index.ts'

const everyMs = 60_000
/** The number of journals or runs of one read. */
const batchSize = 500

interface HousekeepingParts {
  readonly clock: Clock
  readonly log: Log
  /** The cleanup tasks, which are executed one after the other. */
  readonly cleanupTasks: readonly CleanupTask[]
}

export class Housekeeping {
  readonly #parts: HousekeepingParts
  readonly #task: PeriodicTask

  constructor(parts: HousekeepingParts) {
    this.#parts = parts
    const run = () => this.#cleanup()
    this.#task = new PeriodicTask({ name: 'housekeeping', clock: parts.clock, intervalMs: everyMs, run })
  }

  start(): void {
    this.#task.start()
  }

  stop(): Promise<void> {
    return this.#task.close()
  }

  async #cleanup(): Promise<void> {
    const { log, cleanupTasks } = this.#parts
    for (const { what, cleanup } of cleanupTasks)
      try {
        // Repeats until no expired run is left, because one read is limited.
        while ((await cleanup(batchSize)) === batchSize && !this.#task.isClosed);
      } catch (error) {
        log.warn(`the cleanup of ${what} failed; it is retried`, { error: error as Error })
      }
  }
}
