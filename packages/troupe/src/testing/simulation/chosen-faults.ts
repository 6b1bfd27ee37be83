/** The faults that the seed chooses: the names of those that happened, and which of them may happen. */
export class ChosenFaults {
  /** In their order. */
  readonly happened: string[] = []
  readonly #only: ReadonlySet<string> | undefined

  /** @param only the names of the faults that may happen; by default each */
  constructor(only?: readonly string[]) {
    this.#only = only && new Set(only)
  }

  allows(name: string): boolean {
    return this.#only?.has(name) ?? true
  }

  /** Records a fault unless it is not allowed; returns whether it happens. */
  happens(name: string): boolean {
    const allowed = this.allows(name)
    if (allowed) this.happened.push(name)
    return allowed
  }
}
