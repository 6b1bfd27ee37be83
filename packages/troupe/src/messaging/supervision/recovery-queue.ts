/** Runs the starts and recoveries of a supervisor: one after the other, or each by itself. */
export class RecoveryQueue {
  readonly #isSerial: boolean
  readonly #running = new Set<Promise<void>>()
  #last: Promise<void> = Promise.resolve()

  /** @param isSerial true if one recovery affects several workers */
  constructor(isSerial: boolean) {
    this.#isSerial = isSerial
  }

  /** @param work never rejects */
  run(work: () => Promise<void>): Promise<void> {
    const done = this.#isSerial ? this.#last.then(work) : work()
    this.#last = done
    this.#running.add(done)
    void done.then(() => this.#running.delete(done))
    return done
  }

  /** Resolves when all started work has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#running)
  }
}
