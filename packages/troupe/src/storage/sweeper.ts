/** Keeps what storage itself needs within its bounds: ids of changes, items of the feed. */
import type { Cancel, Clock } from '../core/index.ts'
import { type Retention, type RetentionBounds, retentionBounds } from './retention.ts'

export interface SweeperOptions {
  readonly clock: Clock
  readonly retention: Retention
  /** Each works in small changes, so that nobody's commit waits long for it. @returns whether there may be more for it */
  readonly sweeps: readonly ((bounds: RetentionBounds) => Promise<boolean>)[]
  /** After a round. */
  readonly afterwards?: () => Promise<void>
}

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
      // What cannot be swept now is found again in the next round; the storage's state tells of the failure.
      this.#cancel = undefined
      this.#round = this.#sweep().then(
        () => this.#schedule(),
        () => this.#schedule(),
      )
    }
    this.#cancel = this.#options.clock.after(this.#bounds.everyMs, run, { background: true })
  }

  /** Until everything is within its bounds. */
  async #sweep(): Promise<void> {
    const { sweeps, afterwards } = this.#options
    for (const sweep of sweeps) while (!this.#stopped && (await sweep(this.#bounds)));
    if (!this.#stopped) await afterwards?.()
  }
}
