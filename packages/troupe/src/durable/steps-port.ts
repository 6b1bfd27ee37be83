/** Carries out steps: enters, re-enters, retries failed turns, parks and settles them. */
import type { Json, Principal, StoredError } from '../core/index.ts'
import type { Fragment } from '../storage/index.ts'
import type { EffectClass, Settlement } from './effect-port.ts'
import type { JournalId } from './journal-port.ts'
import type { Recorder } from './recorder-port.ts'

export interface StepSpec {
  readonly id: JournalId
  readonly principal: Principal
  readonly runId?: string
  /** Of what caused it, where that is no run: goes on in this step. */
  readonly traceId?: string
  /** Identity of the code and input, pinned at the first entry: re-entry with another is still tried. */
  readonly input: Json
  readonly signal?: AbortSignal
  /** In the change that settles the step: tells the run. */
  readonly settled: (end: Json | { readonly error: StoredError }) => Fragment
  /** In the change of a turn that begins to wait, and of the park. Told once per state. */
  readonly parked?: (waits: readonly string[]) => Fragment
}

export type StepEnd =
  | { readonly status: 'settled'; readonly outcome: Json }
  | { readonly status: 'failed'; readonly error: StoredError }
  /** All its calls are waits; it goes on when an answer arrives (`execute` again, or by itself while it is kept). */
  | { readonly status: 'parked'; readonly waits: readonly string[] }
  /** Waits for a person: a `once` effect whose outcome nobody knows. */
  | { readonly status: 'uncertain'; readonly effect: string; readonly call: string }
  | { readonly status: 'code.changed'; readonly problem: string }
  /** Another writer has the journal; nothing was changed. */
  | { readonly status: 'lost' }
  | { readonly status: 'cancelled' }

/** An effect that waits for a person, or a program, to say whether it happened. */
export interface UncertainEffect {
  readonly step: JournalId
  /** What `settle` takes. */
  readonly call: string
  readonly effect: string
  /** ms since 1970. */
  readonly since: number
}

/** An effect in the record of a step. */
export interface RecordedEffect {
  readonly call: string
  readonly name: string
  /** The idempotency key that its function was given; undefined for one that was not claimed. */
  readonly key: string | undefined
  readonly class: EffectClass
  readonly state: 'claimed' | 'done' | 'failed' | 'uncertain'
  readonly output?: Json
  readonly error?: StoredError
}

export interface Steps {
  /**
   * Enters the step, or re-enters it where its journal has begun. A step already carried out here is joined. The
   * promise resolves once per execution: a parked step is executed again when something arrives for it.
   * @param program runs from its start at each entry; what it returns is the outcome
   */
  execute(spec: StepSpec, program: (recorder: Recorder) => Promise<Json>): Promise<StepEnd>
  /** The statements that hand an answer to a waiting call of a step. */
  answer(
    user: string,
    step: JournalId,
    wait: string,
    answer: { readonly value: Json } | { readonly error: StoredError },
  ): Fragment
  /** Settles an uncertain effect by decision of a person or program, in a change of its own. */
  settle(user: string, step: JournalId, call: string, settlement: Settlement): Promise<void>
  uncertain(user: string): Promise<readonly UncertainEffect[]>
  /** What the step has done to the world so far, in the order of the record: what an undo goes through backwards. */
  effects(user: string, step: JournalId): Promise<readonly RecordedEffect[]>
  /**
   * Undoes the effects of a settled step whose code brings `undo`, the last first, each once.
   * @param program the step's own code: entered to learn how, answered from the record, doing nothing
   * @returns the calls that were undone
   * @throws ConflictError `step.open`, `code.changed`; what an undo failed with, after which calling again goes on
   */
  undo(spec: StepSpec, program: (recorder: Recorder) => Promise<Json>): Promise<readonly string[]>
  /** Stops what runs here: parked continuations are dropped, running steps aborted and awaited. Nothing is lost. */
  close(): Promise<void>
}
