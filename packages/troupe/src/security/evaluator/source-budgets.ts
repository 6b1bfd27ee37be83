/** The time that each source may cause within a minute: in the evaluator's thread, and on the main thread. */
import { type Clock, failure, lruCache } from '../../core/index.ts'

const windowMs = 60_000
const maxSources = 10_000

export class SourceBudgets {
  readonly #clock: Clock
  readonly #budgetMs: number
  readonly #spent = lruCache<{ readonly until: number; ms: number }>(maxSources)

  constructor(clock: Clock, budgetMs: number) {
    this.#clock = clock
    this.#budgetMs = budgetMs
  }

  /** @throws ValidationError `schema.rejected` if the budget is used up */
  check(source: string): void {
    if (this.#accountOf(source).ms < this.#budgetMs) return
    const problem = `what ${source} wrote took ${this.#budgetMs} ms to evaluate within a minute`
    throw failure('schema.rejected', { source, problem })
  }

  add(source: string, ms: number): void {
    this.#accountOf(source).ms += ms
  }

  /** Does work of a source at once, also if the budget is used up. */
  charge<Result>(source: string, work: () => Result): Result {
    const from = this.#clock.monotonic()
    try {
      return work()
    } finally {
      this.add(source, this.#clock.monotonic() - from)
    }
  }

  #accountOf(source: string): { ms: number } {
    const now = this.#clock.monotonic()
    const found = this.#spent.get(source)
    if (found && now < found.until) return found
    const account = { until: now + windowMs, ms: 0 }
    this.#spent.set(source, account)
    return account
  }
}
