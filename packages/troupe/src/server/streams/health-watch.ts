/**
 * Watches the health of the process while readers follow it: one timer for all of them, at the interval for which results
 * are cached. Without a reader, no check is executed for it.
 */
import { type Clock, PeriodicTask } from '../../core/index.ts'
import type { CheckReport, HealthMonitor } from '../../observability/index.ts'

const everyMs = 10_000
/** Checks whose details count messages and workers. The details of other checks are measurements, which always change. */
const counting: ReadonlySet<string> = new Set(['queues', 'agents'])

interface HealthWatchParts {
  readonly clock: Clock
  readonly health: Pick<HealthMonitor, 'report'>
  /** Called after the status, the message or a count of a check changed. */
  readonly changed: () => void
}

export class HealthWatch {
  readonly #task: PeriodicTask
  #readers = 0
  /** The last report that was compared. It stays between readers, so that one who returns misses no change. */
  #known: string | undefined

  constructor({ clock, health, changed }: HealthWatchParts) {
    const run = async () => {
      const found = textOf((await health.report()).checks)
      const isChanged = this.#known !== undefined && found !== this.#known
      this.#known = found
      if (isChanged) changed()
    }
    this.#task = new PeriodicTask({ name: 'health of readers', clock, intervalMs: everyMs, run })
  }

  /** Adds a reader. @returns a function that removes it */
  follow(): () => void {
    if (this.#readers++ === 0) void this.#task.trigger()
    return () => {
      if (--this.#readers === 0) this.#task.stop()
    }
  }
}

/** Returns what readers compare. A rate of messages counts in whole numbers: the checks themselves send messages. */
const textOf = (checks: readonly CheckReport[]): string =>
  JSON.stringify(
    checks.map(({ name, status, message, details }) => [name, status, message, counting.has(name) && details]),
    (_, value: unknown) => (typeof value === 'number' ? Math.round(value) : value),
  )
