/** The trace of one seed, line by line: a digest of all lines, and the last ones as text. */
import { createHash } from 'node:crypto'

export class SimulationTrace {
  readonly #hash = createHash('sha256')
  readonly #lines: string[] = []
  readonly #traceLines: number
  count = 0

  /** @param traceLines the number of last lines that are stored as text */
  constructor(traceLines: number) {
    this.#traceLines = traceLines
  }

  line(text: string): void {
    this.count++
    this.#hash.update(`${text}\n`)
    this.#lines.push(text)
    if (this.#lines.length > 2 * this.#traceLines) this.#lines.splice(0, this.#lines.length - this.#traceLines)
  }

  tail(): readonly string[] {
    return this.#lines.slice(-this.#traceLines)
  }

  digest(): string {
    return this.#hash.copy().digest('hex')
  }
}
