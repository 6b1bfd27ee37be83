/** Work of the troupe itself that nobody asks for: what is over goes with its retention. */
import type { Cancel, Clock } from '../core/index.ts'
import type { Log } from '../observability/index.ts'

const everyMs = 60_000
/** Journals or runs per sweep; what is left goes with the next. */
const most = 500

interface HousekeepingParts {
  readonly clock: Clock
  readonly log: Log
  /** One after the other; each does so much of its work at most. */
  readonly sweeps: readonly Sweep[]
}
export interface Sweep {
  readonly what: string
  readonly sweep: (most: number) => Promise<unknown>
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
    this.#running = this.#sweep()
    await this.#running
    if (this.#cancel) this.start()
  }

  async #sweep(): Promise<void> {
    const { log, sweeps } = this.#parts
    for (const { what, sweep } of sweeps)
      await sweep(most).catch((error: unknown) =>
        log.warn(`sweeping ${what} failed; it is tried again`, { error: error as Error }),
      )
  }
}
