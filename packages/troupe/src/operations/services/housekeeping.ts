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

export function createHousekeeping({ clock, log, cleanupTasks }: HousekeepingParts): PeriodicTask {
  const run = async () => {
    for (const { what, cleanup } of cleanupTasks)
      try {
        // Repeats until no expired run is left, because one read is limited.
        while ((await cleanup(batchSize)) === batchSize && !task.isClosed);
      } catch (error) {
        log.warn(`the cleanup of ${what} failed; it is retried`, { error: error as Error })
      }
  }
  const task = new PeriodicTask({ name: 'housekeeping', clock, intervalMs: everyMs, run })
  return task
}
