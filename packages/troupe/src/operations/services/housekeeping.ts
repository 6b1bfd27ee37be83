/** Work of the troupe itself that nobody asks for: what is over goes with its retention. */
import type { CleanupTask } from '../../configuration/index.ts'
import { type Clock, PeriodicTask } from '../../core/index.ts'
import type { Log } from '../../observability/index.ts'

const everyMs = 60_000
/** Journals or runs that are looked for at once. */
const batchSize = 500

interface HousekeepingParts {
  readonly clock: Clock
  readonly log: Log
  /** One after the other. */
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
        // Until none is left whose time is over: more may have ended since than are looked for at once.
        while ((await cleanup(batchSize)) === batchSize && !this.#task.isClosed);
      } catch (error) {
        log.warn(`sweeping ${what} failed; it is tried again`, { error: error as Error })
      }
  }
}
