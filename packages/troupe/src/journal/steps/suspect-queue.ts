/**
 * Executes steps that may end their process one at a time, so that only the step that ends it is counted.
 *
 * A step becomes a suspect at its second restart without a record between them: two processes ended while it executed. A
 * suspect waits here before its restart is recorded. It leaves the queue when it records something, waits, ends, or has
 * executed for a minute. If the process ends meanwhile, then by this suspect or by a step that is not a suspect yet, which
 * becomes one at its second restart. Restarts of waiting suspects are not counted. The cost: after two crashes, steps that
 * record nothing begin one after another.
 */
import { type Clock, whenAborted } from '../../core/index.ts'

/**
 * The maximal time of a suspect at the head of the queue, in ms. Without a limit, an effect that awaits the run of another
 * suspect would never end. A suspect that ends its process later than that may not be counted alone.
 */
const maxHeld = 60_000

export class SuspectQueue {
  readonly #clock: Clock
  #last: Promise<void> = Promise.resolve()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Waits until the caller is at the head of the queue, or until the signal aborts.
   * @returns a function that removes the caller from the queue; further calls have no effect
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    const before = this.#last
    const over = Promise.withResolvers<void>()
    this.#last = before.then(() => over.promise)
    const aborted = Promise.withResolvers<void>()
    const stopWatching = whenAborted(signal, aborted.resolve)
    await Promise.race([before, aborted.promise])
    stopWatching()
    const cancelLimit = this.#clock.after(maxHeld, over.resolve, { background: true })
    return () => {
      cancelLimit()
      over.resolve()
    }
  }
}
