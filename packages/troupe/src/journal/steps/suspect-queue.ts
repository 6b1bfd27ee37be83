/**
 * Steps that may end their process execute one at a time, so that the guilty one is found and no other is blamed.
 *
 * A step is a suspect from its second restart on without a record between: so often a process ended while it executed. A
 * suspect waits here before its restart is recorded, and holds its place until it has recorded something, waits, is over,
 * or has executed for a minute. A process that ends then ends by that suspect, or by a step that was not suspected yet,
 * which becomes a suspect itself by its second restart. Restarts of suspects that wait here are not counted. The price:
 * after two crashes, steps that record nothing begin one after another.
 */
import type { Clock } from '../../core/index.ts'

/**
 * In ms. A suspect that ends its process later is found less surely. Without a limit, an effect that awaits the run of
 * another suspect would wait for ever.
 */
const maxHeld = 60_000

export class SuspectQueue {
  readonly #clock: Clock
  #last: Promise<void> = Promise.resolve()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Resolves when it is the turn of the caller, or when the signal aborts, with a function that releases its place;
   * that may be called more than once.
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    const before = this.#last
    const over = Promise.withResolvers<void>()
    this.#last = before.then(() => over.promise)
    const aborted = Promise.withResolvers<void>()
    if (signal.aborted) aborted.resolve()
    signal.addEventListener('abort', () => aborted.resolve(), { once: true })
    await Promise.race([before, aborted.promise])
    const cancelLimit = this.#clock.after(maxHeld, over.resolve, { background: true })
    return () => {
      cancelLimit()
      over.resolve()
    }
  }
}
