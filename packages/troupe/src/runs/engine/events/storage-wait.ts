/** Waits while the storage cannot be read, up to a limit. */
import { type Clock, sleep, TroupeError } from '../../../core/index.ts'
import { isOfStorage } from '../ownership/ensure-owned.ts'

const pauseMs = 1_000
/** The time in ms for which the caller of a run waits for a failing storage. */
const callerMs = 30_000

export class StorageWait {
  readonly #clock: Clock
  readonly #limitMs: number
  readonly #onFailure: (error: TroupeError) => void
  /** The monotonic time of the first failure since the last successful read. */
  #since: number | undefined

  /** @param onFailure called at the first failure after a successful read */
  constructor(clock: Clock, limitMs = callerMs, onFailure: (error: TroupeError) => void = () => {}) {
    this.#clock = clock
    this.#limitMs = limitMs
    this.#onFailure = onFailure
  }

  /** The storage was read. */
  succeeded(): void {
    this.#since = undefined
  }

  /**
   * Resolves after a pause, or when the signal aborts: the read may be repeated.
   * @throws the error if it is not a retryable one of the storage, or the storage has failed for longer than the limit
   */
  async failed(error: unknown, signal?: AbortSignal): Promise<void> {
    if (!(error instanceof TroupeError) || !error.retryable || !isOfStorage(error)) throw error
    const now = this.#clock.monotonic()
    if (this.#since === undefined) this.#onFailure(error)
    this.#since ??= now
    if (now - this.#since >= this.#limitMs) throw error
    await sleep(this.#clock, pauseMs, signal).catch(() => {})
  }
}
