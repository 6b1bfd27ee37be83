/**
 * The record of one step, on which modules build their part of `ctx`: answers that are the same when the step is executed
 * again, effects, staged writes that commit with the turn, and waits that occupy no process.
 *
 * A call is identified by its stage, kind, name and number. Answers are delivered one per macrotask in the order
 * of the record, at the first execution and at each later one.
 */
import type { Json, Principal, Provenance, Recordable, TaintLabel, TroupeError } from '../core/index.ts'
import type { Fragment, Row } from '../storage/index.ts'
import type { EffectFunction, EffectSpec } from './effect-port.ts'
import type { JournalId } from './journal-port.ts'

export interface CallName {
  /** `get`, `list`, `now`, `push`, `send`, `request`, `ask`, … */
  readonly kind: string
  /** The key, the name of the effect, or another name that distinguishes calls of one kind. */
  readonly name: string
}

export interface StagedWrite {
  readonly call: CallName
  /** Creates the statements when the turn commits. Must create the same rows at each call. */
  readonly fragment: () => Fragment | Promise<Fragment>
  /**
   * Creates one fragment for all consecutive writes with this same function, after `fragment` of each was called. Many writes
   * can so update one row once.
   */
  readonly rest?: () => Promise<Fragment>
  /** The module, which determines the order of fragments in a change, so that all writers take locks in one order. */
  readonly module: 'context' | 'messages' | 'other'
  /** Called once, when its change has committed in this process. */
  readonly committed?: (made: CommittedWrite) => void
}

export interface CommittedWrite {
  /** The rows that each statement of its fragment returned. */
  readonly rows: readonly (readonly Row[])[]
  /** The new revision of the user; null if the change has no feed items. */
  readonly revision: number | null
}

export interface Wait {
  readonly call: CallName
  /** Creates the statements that ask for the answer, in the change that commits the turn. The answer is addressed to `name`. */
  readonly notify: (name: string) => Fragment | Promise<Fragment>
  /** The time in ms after which a durable timer rejects it with TimeoutError. */
  readonly timeoutMs?: number
  readonly input: Json
}

/** The record of one step, on which modules build their part of `ctx`. */
export interface Recorder {
  /** The id of the step's journal. */
  readonly step: JournalId
  /** The identity of the agent that executes the step. */
  readonly principal: Principal
  /** The run of the step; undefined outside a run. */
  readonly runId: string | undefined
  /**
   * The provenance of writes: the agent, its run and step, the tool call of this stage, and the trace context, which is the
   * same at each execution.
   */
  readonly provenance: Provenance
  /** Aborts on cancel, timeout or loss of the journal, and with `parked` when the code of a parked step is dropped. */
  readonly signal: AbortSignal
  /**
   * The code does not stay in memory while the step is parked, because it holds what others need: it is dropped at once, and
   * executed again from the record.
   */
  dropWhenParked(): void
  /** Makes a call of a client: the code of this stage ends only after it, also if it does not await the call. */
  clientCall<T>(run: () => Promise<T>): Promise<T>
  /** Records an internal answer (a context read, now, random) with the next append. */
  answer<T>(call: CallName, ask: () => Recordable<T> | Promise<Recordable<T>>): Promise<T>
  /** The same for synchronous calls (`ctx.now()`, `ctx.random()`). */
  answerNow<T>(call: CallName, ask: () => Recordable<T>): T
  /** Executes an effect, or returns its recorded outcome if the step is executed again. */
  effect<Out>(name: string, spec: EffectSpec<Out>, fn: EffectFunction<Out>): Promise<Out>
  /** Stages a write. @returns false if a committed turn already has this write: nothing is staged then */
  stage(write: StagedWrite): boolean
  /**
   * Marks an error that reports a change of data which the turn has read. If the step's code ends with this error, the turn is
   * repeated, as after a conflict at its commit.
   */
  markStale(error: TroupeError): void
  /** Commits the turn: claims, answers, outcomes and staged writes in one change. */
  commit(): Promise<void>
  /**
   * Executes what is not recorded, such as the claim of a child run. The step does not park meanwhile. If the storage or the
   * lease fails, the step breaks off and executes again.
   */
  work<T>(run: () => Promise<T>): Promise<T>
  /** Commits the turn with the request, and resolves when the answer arrives. The step is parked meanwhile. */
  wait(wait: Wait): Promise<Json>
  /**
   * Returns whether this execution makes a wait that the settings of the process demand now: `recorded` if the record has
   * it, `passed` if the record continues in this stage without it, and `new` if the settings decide.
   * @param input called if the record has a wait of that name
   */
  recordOfWait(call: CallName, input: () => Json): 'recorded' | 'passed' | 'new'
  /**
   * Registers a listener that is called after each commit of staged writes, before the step continues. Overlays drop the
   * committed writes and keep later ones.
   */
  onCommitted(listener: (committed: readonly StagedWrite[]) => void): void
  /**
   * Runs a body in a child stage and records its result with its staged writes when the turn commits. A stage does not see
   * parallel stages. Stages are merged in the order of the calls.
   * @returns the result of the body, from the record if the turn is committed
   */
  body<Out extends Json>(stage: string, run: (recorder: Recorder) => Promise<Out>): Promise<Out>
  /** The taint labels of the data that the step has read so far. Only `clearTaint` removes labels. */
  readonly taint: readonly TaintLabel[]
  /** @param source the origin of the labels, for people: a tool call, or an entry as `key@version` */
  addTaint(labels: readonly TaintLabel[], source?: string): void
  /** Returns the first source of the label; undefined if the label came before the step. */
  taintSource(label: TaintLabel): string | undefined
  /** Removes the labels after a declassification. Called again when the step is executed again. */
  clearTaint(): void
  /**
   * Creates a recorder of the same stage with its own taint scope. Labels of data that is read through it become the step's
   * only when its owner passes them on.
   * @param labels the labels of the call's input
   */
  scoped(labels?: readonly TaintLabel[]): ScopedRecorder
}

export interface ScopedRecorder {
  readonly recorder: Recorder
  /** The labels of the input and of the data read in this scope. */
  labels(): readonly TaintLabel[]
  /** Adds the labels and their sources to the enclosing recorder. */
  leave(passedOn: readonly TaintLabel[]): void
}
