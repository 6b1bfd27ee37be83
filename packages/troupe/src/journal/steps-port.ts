/** Executes steps: runs their code, executes them again, retries failed turns, parks and ends them. */
import type { Json, Principal, StoredError, TaintLabel, TroupeError } from '../core/index.ts'
import type { CommitResult, Fragment, Row, Statement } from '../storage/index.ts'
import type { EffectClass, Resolution } from './effect-port.ts'
import type { JournalId } from './journal-port.ts'
import type { Recorder } from './recorder-port.ts'

export interface StepSpec {
  readonly id: JournalId
  readonly principal: Principal
  readonly runId?: string
  /** The thread of the session whose step it is. */
  readonly threadId?: string
  /** The trace that the step continues, if it does not belong to a run. */
  readonly traceId?: string
  /** The parent span. */
  readonly parentSpan?: string
  /** False if the caller of the trace does not record it; absent otherwise. */
  readonly isSampled?: false
  /** The start of its first execution, in ms since 1970; absent if the step has only one, or its run reports its start. */
  readonly startedAt?: number
  /** Additional fields of its events. */
  readonly about?: { readonly [field: string]: string }
  /** The identity of code and input, pinned at the first execution. A later execution with another identity is still tried. */
  readonly input: Json
  /** The taint labels of its input; the same at each execution. */
  readonly taint?: readonly TaintLabel[]
  /** The retention of its journal in ms, if it differs from the default. */
  readonly retention?: { readonly completedMs: number; readonly failedMs: number }
  readonly signal?: AbortSignal
  /** How long cancelled code that ignores the signal is awaited, in ms; 10,000 by default. */
  readonly graceMs?: number
  /**
   * Creates the statements that reject the journal of a new step whose message, thread or run no longer exists: its user may
   * have been erased by another process meanwhile.
   */
  readonly expectations?: () => readonly Statement[]
  /** Creates the statements that report the end and its taint, if the change that ends the step commits alone. */
  readonly onEnd: (end: Json | { readonly error: StoredError }, taint: readonly TaintLabel[]) => Fragment
  /**
   * Commits the change that ends the step together with the next change of its run. Resolves with undefined if nothing was
   * committed; then the change must commit alone.
   */
  readonly commitWithRun?: (
    end: Json | { readonly error: StoredError },
    taint: readonly TaintLabel[],
    change: Fragment,
  ) => Promise<CommitResult | undefined>
  /**
   * `first`: the step was just started and has no journal. `restart`: the process that executed it ended without stopping it;
   * after five restarts without a record in between it fails with `step.crashed`. Absent: the step may have a journal.
   */
  readonly entry?: 'first' | 'restart'
  /**
   * The step belongs to this process while the lease of the process lasts, as each step of a run does. A parked continuation
   * is not resumed, because another process may have executed the step since.
   */
  readonly isLeased?: boolean
  /** Called when input arrives while the step is parked. If it returns false, the input waits until `execute` is called again. */
  readonly canResume?: () => boolean
}

export type StepEnd =
  | { readonly status: 'completed'; readonly outcome: Json }
  | { readonly status: 'failed'; readonly error: StoredError }
  /**
   * All its open calls are waits. It continues when an answer arrives: by `execute`, or by itself while it is in memory. If it
   * has no waits, this process has released it.
   */
  | { readonly status: 'parked'; readonly waits: readonly string[] }
  /** The step waits for a person: the outcome of an `at-most-once` effect is unknown. */
  | { readonly status: 'uncertain'; readonly effect: string; readonly call: string }
  | { readonly status: 'code.changed'; readonly problem: string }
  /** Another writer owns the journal, or the user is erased, which `error` then says; nothing was changed. */
  | { readonly status: 'lost'; readonly error?: TroupeError }
  | { readonly status: 'cancelled' }

/** An effect that waits for a person or program to say whether it happened. */
export interface UncertainEffect {
  readonly step: JournalId
  /** The argument of `resolve`. */
  readonly call: string
  readonly effect: string
  /** ms since 1970. */
  readonly since: number
}

/** An effect in the record of a step. */
export interface RecordedEffect {
  /** The id of the call within the step. */
  readonly call: string
  /** The name of the effect. */
  readonly name: string
  /** The hash of its input by `inputHash`. */
  readonly hash: string
  /** The idempotency key that its function got; undefined if it was not claimed. */
  readonly key: string | undefined
  /** The time in ms since 1970 of the commit that claimed it before it started; undefined if it was not claimed. */
  readonly claimedAt?: number
  /** The time in ms since 1970 of the commit that has its outcome, with the turn of the step. */
  readonly recordedAt?: number
  /** The number of claims: more than 1 if it was carried out again after it had not happened. */
  readonly attempts: number
  /** The class of the effect. */
  readonly class: EffectClass
  /** `claimed`: started and not ended. `not-happened`: the resolution of an uncertain effect. */
  readonly state: 'claimed' | 'done' | 'failed' | 'uncertain' | 'not-happened'
  /** The input of an effect or tool of class `at-most-once`, up to 16 KiB. */
  readonly input?: Json
  /** The result; absent if the effect did not succeed. */
  readonly output?: Json
  /** The error; present if the effect failed. */
  readonly error?: StoredError
  /** Why its outcome was unknown, if it ended without one; absent after a crash. */
  readonly problem?: string
  /** The taint labels of its outcome. */
  readonly taint?: readonly TaintLabel[]
}

/** An answer in the record of a step. */
export interface RecordedAnswer {
  readonly name: string
  readonly value: Json
}

/** The outcome of an undo for one effect. */
export interface EffectUndoResult {
  readonly call: string
  /** The name that the code or its tool gave it. */
  readonly name: string
  /**
   * `planned`: it would be undone. `already`: an earlier call has undone it. `none`: it has no undo function. `skipped`: the
   * undo of a later effect failed before.
   */
  readonly status: 'planned' | 'undone' | 'already' | 'none' | 'failed' | 'skipped'
  readonly error?: StoredError
}

export interface EffectUndoOptions {
  /** The calls whose effects are undone; all by default. */
  readonly only?: ReadonlySet<string> | undefined
  /** Undoes nothing, and returns what would be undone. */
  readonly plan?: boolean | undefined
}

export interface DrainStepsResult {
  readonly finished: number
  /** Steps that have begun and continue at their next execution. */
  readonly released: number
}

/** The uncertain effects of a user: as a list, and as a statement with its rows for a read that has other statements too. */
export interface UncertainList {
  list(user: string): Promise<readonly UncertainEffect[]>
  statement(user: string): Statement
  read(rows: readonly Row[]): readonly UncertainEffect[]
}

export interface Steps {
  /**
   * Executes the step, from its record if its journal has begun. If the step is already executing here, the call joins it. The
   * promise resolves once per execution. A parked step is executed again when input arrives.
   * @param program runs from its start at each execution; its result is the outcome
   */
  execute(spec: StepSpec, program: (recorder: Recorder) => Promise<Json>): Promise<StepEnd>
  /** Creates the statements that deliver an answer to a waiting call of a step. */
  answer(
    user: string,
    step: JournalId,
    wait: string,
    answer: ({ readonly value: Json } | { readonly error: StoredError }) & { readonly taint?: readonly TaintLabel[] },
  ): Fragment
  /** Resolves an uncertain effect by decision of a person or program; fails if it is not uncertain. */
  resolve(user: string, step: JournalId, call: string, resolution: Resolution): Fragment
  /**
   * Cancels a step that this process does not execute: no process continues it, and only results of its claimed effects are
   * recorded.
   */
  cancel(user: string, step: JournalId): Fragment
  /** Abandons steps: closes their journals as they are, with the given retention. */
  abandon(user: string, steps: readonly JournalId[], retentionMs: number): Fragment
  /** Sets the retention of the journals of ended steps from now on. */
  retainEnded(user: string, steps: readonly JournalId[], retentionMs: number): Fragment
  /**
   * Removes the effects of ended steps from the list of uncertain effects: their message was handled by a later attempt, or the
   * step has no reader.
   */
  dropUncertain(user: string, steps: readonly JournalId[]): Fragment
  /**
   * The same for an ended step: records the resolution in its journal, for readers.
   * @returns undefined for a step that may continue, for which `resolve` is used
   */
  resolveEnded(user: string, step: JournalId, call: string, resolution: Resolution): Promise<Fragment | undefined>
  /**
   * Lists the claimed `at-most-once` effects of a stopped step as uncertain if its journal has no outcome for them.
   */
  markUncertain(user: string, step: JournalId): Promise<void>
  readonly uncertain: UncertainList
  /**
   * Returns the recorded answers to calls of one kind (`kind` of `Recorder.answer`), in the order of the record.
   */
  answers(user: string, step: JournalId, kind: string): Promise<readonly RecordedAnswer[]>
  /** Returns the effects of the step so far, in the order of the record. An undo processes them in reverse. */
  effects(user: string, step: JournalId): Promise<readonly RecordedEffect[]>
  /** Returns the calls of the step whose effects have been undone. */
  reverted(user: string, step: JournalId): Promise<ReadonlySet<string>>
  /**
   * Undoes the effects of an ended step that have an `undo` function, also in bodies of tools, the last first, each once. An
   * error stops the undo; called again, it continues there.
   * @param program the code of the step, which is executed on its record without effects
   * @returns the effects of the step, the last first
   * @throws ConflictError `step.open`, `code.changed`
   */
  undo(
    spec: StepSpec,
    program: (recorder: Recorder) => Promise<Json>,
    options?: EffectUndoOptions,
  ): Promise<readonly EffectUndoResult[]>
  /**
   * Returns the complete requests of a step's effects that have `request`, by call.
   * @param program the code of the step, which is executed on its record without effects
   * @throws ConflictError `code.changed` if the present code makes other requests
   */
  requests(spec: StepSpec, program: (recorder: Recorder) => Promise<Json>): Promise<ReadonlyMap<string, Json>>
  /**
   * Drops the steps of a user that is being erased, without a record. No step of the user starts until the returned function
   * is called.
   */
  forget(user: string): Promise<() => void>
  /**
   * Aborts the code of a cancelled step in this process, or notifies the process that executes it. An `at-most-once` effect in
   * progress may end before.
   * @returns whether this process executes the step
   */
  abort(user: string, step: JournalId): boolean
  /** Releases a step of this process. Executed again, it continues from its record. */
  release(user: string, step: JournalId): Promise<void>
  /** Releases the steps of all runs, and other leased steps, because this process has lost its lease. */
  releaseLeased(): Promise<void>
  /**
   * Drains: executing steps may finish within `finishMs`. Then no step starts, effects in progress may end within `effectsMs`,
   * and the remaining steps are released and continue from their records elsewhere. Call `close` afterwards.
   */
  drain(timeouts: { readonly finishMs: number; readonly effectsMs: number }): Promise<DrainStepsResult>
  /** Stops all steps of this process: parked code is dropped, executing steps are aborted and awaited. No record is lost. */
  close(): Promise<void>
}
