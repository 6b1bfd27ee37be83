/**
 * Runs that were lost here: looked at again after a while, from what is durable. The row may say that this process has
 * them: until it has, or knows who does, nobody else comes for them.
 */
import type { UserId } from '../../../core/index.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import type { RunHost } from '../run-host.ts'
import { isPassing, isTakeoverInterrupted } from './ensure-owned.ts'

const recheckMs = 1_000

export class LostRunRecovery {
  readonly #host: Pick<RunHost, 'isClosed' | 'own'>
  readonly #parts: Pick<OrchestraParts, 'clock' | 'log'>
  readonly #onChecked: (user: UserId, run: string) => void
  readonly #awaited = new Set<string>()

  /** @param onChecked told whenever it is known more of one */
  constructor(
    host: Pick<RunHost, 'isClosed' | 'own'>,
    parts: Pick<OrchestraParts, 'clock' | 'log'>,
    onChecked: (user: UserId, run: string) => void,
  ) {
    this.#host = host
    this.#parts = parts
    this.#onChecked = onChecked
  }

  lost(user: UserId, run: string): void {
    const key = JSON.stringify([user, run])
    if (this.#host.isClosed || this.#awaited.has(key)) return
    this.#awaited.add(key)
    this.#parts.clock.after(recheckMs, async () => {
      this.#awaited.delete(key)
      if (this.#host.isClosed) return
      await this.#reclaim(user, run)
      this.#onChecked(user, run)
    })
  }

  async #reclaim(user: UserId, run: string): Promise<void> {
    try {
      await this.#host.own(user, run)
    } catch (error) {
      if (isTakeoverInterrupted(error)) this.lost(user, run)
      else if (!isPassing(error)) this.#parts.log.warn('a run is not taken up again', { run, error: error as Error })
    }
  }
}
