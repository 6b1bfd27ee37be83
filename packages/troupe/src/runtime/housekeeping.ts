/** Work of the troupe itself that nobody asks for: what is over goes with its retention. */
import type { Cancel, Clock } from '../core/index.ts'
import type { Log } from '../observability/index.ts'

const everyMs = 60_000
/** Journals or runs that are looked for at once. */
const most = 500

interface HousekeepingParts {
  readonly clock: Clock
  readonly log: Log
  /** One after the other. */
  readonly sweeps: readonly Sweep[]
}
export interface Sweep {
  readonly what: string
  /** @returns how many it removed, of so many at most */
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
      try {
        // Until none is left whose time is over: more may have ended since than are looked for at once.
        while ((await sweep(most)) === most && this.#cancel);
      } catch (error) {
        log.warn(`sweeping ${what} failed; it is tried again`, { error: error as Error })
      }
  }
}
