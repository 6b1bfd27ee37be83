/** Counts the failures of a supervisor within a time window, and computes the delay after each. */
import type { Clock, Random } from '../../core/index.ts'
import { backoffDelay } from '../../resilience/index.ts'
import type { SuperviseSettings } from './supervise-options.ts'

type Limits = Pick<SuperviseSettings, 'withinMs' | 'maxRestarts' | 'backoff'>

export class FailureWindow {
  readonly #limits: Limits
  readonly #parts: { readonly clock: Clock; readonly random: Random }
  /** Times of the monotonic clock. */
  #failures: number[] = []

  constructor(limits: Limits, parts: { readonly clock: Clock; readonly random: Random }) {
    this.#limits = limits
    this.#parts = parts
  }

  /** @returns the number of failures within the window at the last failure */
  get count(): number {
    return this.#failures.length
  }

  add(): void {
    const now = this.#parts.clock.monotonic()
    this.#failures = [...this.#failures.filter((at) => now - at < this.#limits.withinMs), now]
  }

  /** @returns ms until a restart; undefined after too many failures */
  pauseMs(): number | undefined {
    const { maxRestarts, backoff } = this.#limits
    return this.count > maxRestarts ? undefined : backoffDelay(backoff, this.count, this.#parts.random)
  }
}
