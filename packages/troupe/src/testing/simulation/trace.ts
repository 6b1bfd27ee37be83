/** What happened in one seed, line by line: as a digest always, as text where it is wanted. */
import { createHash } from 'node:crypto'

export class Trace {
  readonly #hash = createHash('sha256')
  readonly #kept: string[] = []
  readonly #keep: number
  count = 0

  /** @param keep how many of the last lines are kept as text */
  constructor(keep: number) {
    this.#keep = keep
  }

  line(text: string): void {
    this.count++
    this.#hash.update(`${text}\n`)
    this.#kept.push(text)
    if (this.#kept.length > 2 * this.#keep) this.#kept.splice(0, this.#kept.length - this.#keep)
  }

  tail(): readonly string[] {
    return this.#kept.slice(-this.#keep)
  }

  digest(): string {
    return this.#hash.copy().digest('hex')
  }
}
