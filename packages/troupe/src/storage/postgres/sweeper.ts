/** Keeps what storage itself needs within its bounds, by a function of the database that may look over all users. */
import type { Cancel, Clock } from '../../core/index.ts'
import { type Retention, type RetentionBounds, retentionBounds } from '../retention.ts'

export interface SweeperOptions {
  readonly clock: Clock
  readonly retention: Retention
  /** @returns how many rows went */
  readonly sweep: (bounds: RetentionBounds, most: number) => Promise<number>
}

const step = 500

export class Sweeper {
  readonly #options: SweeperOptions
  #bounds: RetentionBounds
  #cancel: Cancel | undefined
  #stopped = false
  #round: Promise<void> = Promise.resolve()

  constructor(options: SweeperOptions) {
    this.#options = options
    this.#bounds = retentionBounds(options.retention)
    this.#schedule()
  }

  /** Holds from now on; the next round is counted from now too. */
  keep(retention: Retention): void {
    this.#bounds = retentionBounds(retention)
    if (!this.#cancel) return
    this.#cancel()
    this.#schedule()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel?.()
    await this.#round
  }

  #schedule(): void {
    if (this.#stopped) return
    const run = () => {
      // What cannot be swept now is found again in the next round.
      this.#cancel = undefined
      this.#round = this.#sweep().then(
        () => this.#schedule(),
        () => this.#schedule(),
      )
    }
    this.#cancel = this.#options.clock.after(this.#bounds.everyMs, run, { background: true })
  }

  async #sweep(): Promise<void> {
    while (!this.#stopped && (await this.#options.sweep(this.#bounds, step)) > 0);
  }
}
