/**
 * Counts the batches in flight to the writer, and decides whether another may be sent.
 *
 * Invariant: the window is held only while no batch is in flight; while it is held, no batch is sent.
 */
export class SendWindow {
  readonly #limit: number
  #inFlight = 0
  #isHeld = false

  /** @param limit the maximum number of batches in flight */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Whether a batch may be sent. */
  get isOpen(): boolean {
    return !this.#isHeld && this.#inFlight < this.#limit
  }

  /** Whether the window is not held and every batch is answered. */
  get isIdle(): boolean {
    return !this.#isHeld && this.#inFlight === 0
  }

  /** Records that a batch is sent. */
  add(): void {
    this.#inFlight++
  }

  /** Records that a batch is answered. */
  remove(): void {
    this.#inFlight--
  }

  /** Stops batches until `release`: for the slices of a large change, for a vacuum, or to yield a macrotask. */
  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
  }
}
