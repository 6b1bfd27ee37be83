/** Carries out steps: enters, re-enters, retries failed turns, parks and settles them. */
import type { Json, Principal, StoredError, TaintLabel } from '../core/index.ts'
import type { CommitResult, Fragment } from '../storage/index.ts'
import type { EffectClass, Resolution } from './effect-port.ts'
import type { JournalId } from './journal-port.ts'
import type { Recorder } from './recorder-port.ts'

export interface StepSpec {
  readonly id: JournalId
  readonly principal: Principal
  readonly runId?: string
  /** Of what caused it, where that is no run: goes on in this step. */
  readonly traceId?: string
  /** The span that it is below. */
  readonly parentSpan?: string
  /** What its events say of it besides. */
  readonly about?: { readonly [field: string]: string }
  /** Identity of the code and input, pinned at the first entry: re-entry with another is still tried. */
  readonly input: Json
  /** What its input came with; the same at each entry. */
  readonly taint?: readonly TaintLabel[]
  /** ms for which its journal is kept after its end, where not as all others are. */
  readonly retention?: { readonly completedMs: number; readonly failedMs: number }
  readonly signal?: AbortSignal
  /** ms for which cancelled code that ignores the signal is waited for; 10,000 by default. */
  readonly graceMs?: number
  /** In the change that ends the step, where that commits alone: reports the end, and what the outcome is tainted by. */
  readonly onEnd: (end: Json | { readonly error: StoredError }, taint: readonly TaintLabel[]) => Fragment
  /**
   * Commits the change that ends the step with the next change of its run, which takes the end in. Resolves with undefined
   * where nothing was committed, and the change has to commit alone.
   */
  readonly commitWithRun?: (
    end: Json | { readonly error: StoredError },
    taint: readonly TaintLabel[],
    change: Fragment,
  ) => Promise<CommitResult | undefined>
  /**
   * `first`: the change before started the step, so it has no journal to look for. `restart`: the process that executed it
   * ended without stopping it; restarted five times without a record between, it fails with `step.crashed`. Absent: it may
   * have begun.
   */
  readonly entry?: 'first' | 'restart'
  /** Asked when something comes for it while it is parked: where it does not go on, that waits until `execute` again. */
  readonly canResume?: () => boolean
}

export type StepEnd =
  | { readonly status: 'completed'; readonly outcome: Json }
  | { readonly status: 'failed'; readonly error: StoredError }
  /**
   * All its calls are waits; it goes on when an answer arrives (`execute` again, or by itself while it is kept). Without
   * waits: this process gave it up.
   */
  | { readonly status: 'parked'; readonly waits: readonly string[] }
  /** Waits for a person: an `at-most-once` effect whose outcome nobody knows. */
  | { readonly status: 'uncertain'; readonly effect: string; readonly call: string }
  | { readonly status: 'code.changed'; readonly problem: string }
  /** Another writer has the journal; nothing was changed. */
  | { readonly status: 'lost' }
  | { readonly status: 'cancelled' }

/** An effect that waits for a person, or a program, to say whether it happened. */
export interface UncertainEffect {
  readonly step: JournalId
  /** What `resolve` takes. */
  readonly call: string
  readonly effect: string
  /** ms since 1970. */
  readonly since: number
}

/** An effect in the record of a step. */
export interface RecordedEffect {
  readonly call: string
  readonly name: string
  /** Of its input, as `inputHash` makes it. */
  readonly hash: string
  /** The idempotency key that its function was given; undefined for one that was not claimed. */
  readonly key: string | undefined
  readonly class: EffectClass
  /** `not-happened`: somebody said so of an uncertain one. */
  readonly state: 'claimed' | 'done' | 'failed' | 'uncertain' | 'not-happened'
  /** Of class `at-most-once`, up to 16 KiB. */
  readonly input?: Json
  readonly output?: Json
  readonly error?: StoredError
  /** What its function said that its outcome came with. */
  readonly taint?: readonly TaintLabel[]
}

/** An answer in the record of a step. */
export interface RecordedAnswer {
  readonly name: string
  readonly value: Json
}

/** What became of an effect when its step was undone. */
export interface EffectUndoResult {
  readonly call: string
  /** As the code or its tool calls it. */
  readonly name: string
  /** `none`: nothing brings an undo for it. `left`: a later one failed before it was its turn. */
  readonly status: 'undone' | 'already' | 'none' | 'failed' | 'skipped'
  readonly error?: StoredError
}

export interface DrainStepsResult {
  readonly finished: number
  /** Begun, and to be gone on with by whoever enters them next. */
  readonly released: number
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
    answer: ({ readonly value: Json } | { readonly error: StoredError }) & { readonly taint?: readonly TaintLabel[] },
  ): Fragment
  /** Settles an uncertain effect by decision of a person or program; `effect.onEnd` where it is not uncertain. */
  resolve(user: string, step: JournalId, call: string, resolution: Resolution): Fragment
  /** For the change that gives these steps up for good: their journals end as they stand, and are kept for so long. */
  abandon(user: string, steps: readonly JournalId[], retentionMs: number): Fragment
  /** The journals of steps that have ended are kept for so long from now on. */
  retainEnded(user: string, steps: readonly JournalId[], retentionMs: number): Fragment
  /**
   * The same for a step that is over: recorded in its journal, for those who read it.
   * @returns undefined for a step that may go on, which `resolve` is for
   */
  resolveEnded(user: string, step: JournalId, call: string, resolution: Resolution): Promise<Fragment | undefined>
  /**
   * For a step that was stopped: effects of class `at-most-once` that it had claimed, and whose outcome its journal does not
   * hold, are put on the list of the uncertain.
   */
  markUncertain(user: string, step: JournalId): Promise<void>
  uncertain(user: string): Promise<readonly UncertainEffect[]>
  /**
   * What the step was answered to calls of one kind, as `kind` of `Recorder.answer` names it, in the order of the record.
   */
  answers(user: string, step: JournalId, kind: string): Promise<readonly RecordedAnswer[]>
  /** What the step has done to the world so far, in the order of the record: what an undo goes through backwards. */
  effects(user: string, step: JournalId): Promise<readonly RecordedEffect[]>
  /**
   * Undoes the effects of a step that is over whose code brings `undo`, those in bodies too, the last first, each once. One
   * that fails stops it: calling again goes on there.
   * @param program the step's own code: entered to learn how, answered from the record, doing nothing
   * @returns all that the step did, the last first
   * @throws ConflictError `step.open`, `code.changed`
   */
  undo(
    spec: StepSpec,
    program: (recorder: Recorder) => Promise<Json>,
    only?: ReadonlySet<string>,
  ): Promise<readonly EffectUndoResult[]>
  /**
   * What the effects of a step asked in full, by call: of those that bring a `request`.
   * @param program the step's own code: entered once more, answered from the record, doing nothing
   * @throws ConflictError `code.changed` where the code asks for something else today
   */
  requests(spec: StepSpec, program: (recorder: Recorder) => Promise<Json>): Promise<ReadonlyMap<string, Json>>
  /**
   * The user is being forgotten: what runs for it here is dropped without a trace, and nothing begins until what is
   * returned is called.
   */
  forget(user: string): Promise<() => void>
  /** Gives up what is carried out of a step here: executed again, it is entered from its record. */
  release(user: string, step: JournalId): Promise<void>
  /** Of every run, for its process was given up. */
  releaseRuns(): Promise<void>
  /**
   * The gentle end: steps at work may come to their end for `finishMs`; after it none is taken in, effects under way may end
   * for `effectsMs`, and their steps are given up: whoever enters them next is answered from the record. Then `close`.
   */
  drain(timeouts: { readonly finishMs: number; readonly effectsMs: number }): Promise<DrainStepsResult>
  /** Stops what runs here: parked continuations are dropped, running steps aborted and awaited. Nothing is lost. */
  close(): Promise<void>
}
