/**
 * Outcomes of at-most-once effects whose steps broke off before they were durable, as on a full disk. The process knows that
 * such an effect was executed, and with which outcome, so that the next execution of the step records it.
 *
 * Invariant: an outcome leaves when its step is executed here, or its user is erased. Where it is lost, the effect is uncertain.
 */
import type { TaintLabel } from '../../core/index.ts'
import type { JournalId } from '../journal-port.ts'
import type { CallId } from '../replay/call-id.ts'

export type UnrecordedOutcome = {
  /** The key of the claim with which the effect was executed. */
  readonly key: string
  readonly taint: readonly TaintLabel[]
} & ({ readonly output: unknown } | { readonly thrown: unknown })

export type OutcomesOfStep = Map<CallId, UnrecordedOutcome>

/** Steps of one user; the oldest leaves. */
const maxSteps = 1_000

export class UnrecordedOutcomes {
  readonly #users = new Map<string, Map<JournalId, OutcomesOfStep>>()

  add(user: string, step: JournalId, outcomes: OutcomesOfStep): void {
    const steps = this.#users.get(user) ?? new Map<JournalId, OutcomesOfStep>()
    this.#users.set(user, steps.set(step, outcomes))
    const [oldest] = steps.keys()
    if (steps.size > maxSteps && oldest !== undefined) steps.delete(oldest)
  }

  /** Removes and returns the outcomes of a step. */
  take(user: string, step: JournalId): OutcomesOfStep | undefined {
    const steps = this.#users.get(user)
    const outcomes = steps?.get(step)
    if (steps?.delete(step) && steps.size === 0) this.#users.delete(user)
    return outcomes
  }

  forget(user: string): void {
    this.#users.delete(user)
  }
}
