/**
 * How many batches are on their way to the writer, and whether more may leave.
 *
 * Invariant: it is held only while no batch is on its way; while it is held, none leaves.
 */
export class SendWindow {
  readonly #limit: number
  #inFlight = 0
  #isHeld = false

  /** @param limit batches that may be on their way at once */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Whether a batch may leave. */
  get isOpen(): boolean {
    return !this.#isHeld && this.#inFlight < this.#limit
  }

  /** Whether it is not held and every batch is answered. */
  get isIdle(): boolean {
    return !this.#isHeld && this.#inFlight === 0
  }

  /** A batch leaves. */
  add(): void {
    this.#inFlight++
  }

  /** A batch is answered. */
  remove(): void {
    this.#inFlight--
  }

  /** No batch leaves until `release`: for the slices of a large change, a vacuum, or a macrotask of others. */
  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
  }
}
