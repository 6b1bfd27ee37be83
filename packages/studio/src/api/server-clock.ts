/** The clock of the server, as its answers tell it: that of the browser may be off by hours, and each age with it. */
export class ServerClock {
  #offsetMs = 0

  /** Returns ms since 1970. */
  readonly now = (): number => Date.now() + this.#offsetMs

  /**
   * Takes the header `date` of an answer, which is in whole seconds.
   * @param askedAt ms since 1970 by the clock of the browser, as `receivedAt`
   */
  adjust(date: string | null, askedAt: number, receivedAt: number): void {
    const offsetMs = Date.parse(date ?? '') + 500 - (askedAt + receivedAt) / 2
    const uncertaintyMs = 500 + (receivedAt - askedAt) / 2
    if (Math.abs(offsetMs - this.#offsetMs) > uncertaintyMs) this.#offsetMs = offsetMs
  }
}
