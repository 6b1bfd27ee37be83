/** The runs that this process cannot claim because it lacks their code. All are forgotten together and tried again. */
import type { Clock } from '../../../core/index.ts'

/** The time in ms until a run without code in this process is tried again. */
const passedOverMs = 30_000
const maxRuns = 10_000

export class PassedOverRuns {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #runs = new Map<string, Set<string>>()
  #count = 0
  #forgetAt = 0

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  has(user: string, run: string): boolean {
    return this.#runs.get(user)?.has(run) === true
  }

  /** Adds the run, unless the process has passed over too many already. */
  add(user: string, run: string): void {
    if (++this.#count > maxRuns) return
    const runs = this.#runs.get(user) ?? new Set()
    this.#runs.set(user, runs.add(run))
  }

  /** Forgets all runs if it last did so long enough ago. */
  expire(): void {
    const now = this.#clock.monotonic()
    if (now < this.#forgetAt) return
    this.#runs.clear()
    this.#count = 0
    this.#forgetAt = now + passedOverMs
  }
}
