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
  /** The size of the outcome in a record. */
  readonly bytes: number
} & ({ readonly output: unknown } | { readonly thrown: unknown })

/** Bounds of one user; the oldest steps leave. */
const maxSteps = 1_000
const maxBytes = 64 * 2 ** 20

export class OutcomesOfStep {
  readonly #outcomes = new Map<CallId, UnrecordedOutcome>()
  /** Called after each new outcome: an effect in progress notes its outcome when its step has broken off. */
  onNoted: (() => void) | undefined

  get size(): number {
    return this.#outcomes.size
  }

  get bytes(): number {
    let sum = 0
    for (const { bytes } of this.#outcomes.values()) sum += bytes
    return sum
  }

  get(id: CallId): UnrecordedOutcome | undefined {
    return this.#outcomes.get(id)
  }

  note(id: CallId, outcome: UnrecordedOutcome): void {
    this.#outcomes.set(id, outcome)
    this.onNoted?.()
  }

  delete(id: CallId): void {
    this.#outcomes.delete(id)
  }
}

type OutcomesOfUser = Map<JournalId, OutcomesOfStep>

export class UnrecordedOutcomes {
  readonly #users = new Map<string, OutcomesOfUser>()

  add(user: string, step: JournalId, outcomes: OutcomesOfStep): void {
    const steps: OutcomesOfUser = this.#users.get(user) ?? new Map()
    this.#users.set(user, steps.set(step, outcomes))
    outcomes.onNoted = () => dropOldest(steps)
    dropOldest(steps)
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

function dropOldest(steps: OutcomesOfUser): void {
  let bytes = 0
  for (const outcomes of steps.values()) bytes += outcomes.bytes
  for (const [step, outcomes] of steps) {
    if (steps.size <= maxSteps && bytes <= maxBytes) return
    bytes -= outcomes.bytes
    steps.delete(step)
  }
}
