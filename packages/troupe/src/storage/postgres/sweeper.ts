/** Keeps what storage itself needs within its bounds, by a function of the database that may look over all users. */
import type { Cancel, Clock } from '../../core/index.ts'

export interface SweeperOptions {
  readonly clock: Clock
  readonly everyMs: number
  /** @returns how many rows went */
  readonly sweep: (most: number) => Promise<number>
}

const step = 500

export class Sweeper {
  readonly #options: SweeperOptions
  #cancel: Cancel = () => {}
  #stopped = false
  #round: Promise<void> = Promise.resolve()

  constructor(options: SweeperOptions) {
    this.#options = options
    this.#schedule()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel()
    await this.#round
  }

  #schedule(): void {
    if (this.#stopped) return
    const { clock, everyMs } = this.#options
    const run = () => {
      // What cannot be swept now is found again in the next round.
      this.#round = this.#sweep().then(
        () => this.#schedule(),
        () => this.#schedule(),
      )
    }
    this.#cancel = clock.after(everyMs, run, { background: true })
  }

  async #sweep(): Promise<void> {
    while (!this.#stopped && (await this.#options.sweep(step)) > 0);
  }
}
