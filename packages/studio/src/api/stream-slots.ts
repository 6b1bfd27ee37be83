/**
 * The connections that streams of runs share. A browser opens six to a server: if streams took all of them, no request, and so
 * no command, would reach the server while they last.
 */

/** The stream of updates has a connection of its own, so two are left for requests. */
const maxStreams = 3

export class StreamSlots {
  #open = 0
  /** The streams that wait, in their order. */
  readonly #waiting: (() => void)[] = []

  /** Waits for a connection. Returns the function that gives it to the stream that waits longest. */
  async take(): Promise<() => void> {
    if (this.#open < maxStreams) this.#open++
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return () => {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#open--
    }
  }
}
