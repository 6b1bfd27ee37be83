/** Work of the troupe itself that nobody asks for: what is over goes with its retention. */
import type { CleanupTask } from '../../configuration/index.ts'
import type { Cancel, Clock } from '../../core/index.ts'
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
  #cancel: Cancel | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(parts: HousekeepingParts) {
    this.#parts = parts
  }

  start(): void {
    this.#cancel = this.#parts.clock.after(everyMs, () => void this.#round(), { background: true })
  }

  async stop(): Promise<void> {
    this.#cancel?.()
    this.#cancel = undefined
    await this.#running
  }

  async #round(): Promise<void> {
    this.#running = this.#cleanup()
    await this.#running
    if (this.#cancel) this.start()
  }

  async #cleanup(): Promise<void> {
    const { log, cleanupTasks } = this.#parts
    for (const { what, cleanup } of cleanupTasks)
      try {
        // Until none is left whose time is over: more may have ended since than are looked for at once.
        while ((await cleanup(batchSize)) === batchSize && this.#cancel);
      } catch (error) {
        log.warn(`sweeping ${what} failed; it is tried again`, { error: error as Error })
      }
  }
}
