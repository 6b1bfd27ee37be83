/** Work of the troupe itself that nobody asks for: what is over goes with its retention. */
import type { Cancel, Clock } from '../core/index.ts'
import type { Journals } from '../durable/index.ts'
import type { Log } from '../observability/index.ts'

const everyMs = 60_000
/** Journals per sweep; what is left goes with the next. */
const most = 500

interface HousekeepingParts {
  readonly clock: Clock
  readonly journals: Journals
  readonly log: Log
  readonly sweepRateLimits?: () => Promise<void>
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
    const { journals, log, sweepRateLimits } = this.#parts
    const failed = (what: string) => (error: unknown) =>
      log.warn(`sweeping ${what} failed; it is tried again`, { error: error as Error })
    this.#running = journals
      .sweep(most)
      .catch(failed('ended journals'))
      .then(() => sweepRateLimits?.().catch(failed('rate limits')))
    await this.#running
    if (this.#cancel) this.start()
  }
}
