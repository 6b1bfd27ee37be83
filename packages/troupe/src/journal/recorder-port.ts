/**
 * What the log of one step lets a room build its part of `ctx` on: answers that come again on re-entry, effects, staged
 * writes that commit with the turn, waits that hold no process.
 *
 * A call is identified by stage, kind, name and the n-th such call. Answers are delivered one per macrotask in the order
 * of the log, live and on re-entry alike.
 */
import type { Json, Principal, Provenance, TaintLabel, TraceContext, TroupeError } from '../core/index.ts'
import type { Fragment, Row } from '../storage/index.ts'
import type { EffectFunction, EffectSpec } from './effect-port.ts'
import type { JournalId } from './journal-port.ts'

export interface CallName {
  /** `get`, `list`, `now`, `push`, `send`, `request`, `ask`, … */
  readonly kind: string
  /** The key, the effect's name, or whatever tells calls of one kind apart. */
  readonly name: string
}

export interface StagedWrite {
  readonly call: CallName
  /** Made when the turn commits; must be the same rows however often it is made. */
  readonly fragment: () => Fragment | Promise<Fragment>
  /**
   * Makes the fragment of all consecutive writes that have this same function, after `fragment` of each of them was called:
   * a writer that updates one row for many writes does it once.
   */
  readonly rest?: () => Promise<Fragment>
  /** The order of the fragments in the change, so that locks are taken alike. */
  readonly module: 'context' | 'messages' | 'other'
  /** Called once, when its change has committed in this process. */
  readonly committed?: (made: CommittedWrite) => void
}

export interface CommittedWrite {
  /** Of each statement of its fragment, what it returned. */
  readonly rows: readonly (readonly Row[])[]
  /** The user's new revision; null where nothing of the change is watched. */
  readonly revision: number | null
}

export interface Wait {
  readonly call: CallName
  /** What asks for the answer, in the change that commits the turn; `name` is how the answer must be addressed. */
  readonly notify: (name: string) => Fragment | Promise<Fragment>
  /** Milliseconds after which it is rejected with TimeoutError, by a durable timer. */
  readonly timeoutMs?: number
  readonly input: Json
}

/** What `answerWait` puts into the inbox of the step's journal. */
export type WaitAnswer = { readonly value: Json } | { readonly error: Json }

export interface Recorder {
  readonly step: JournalId
  readonly principal: Principal
  readonly runId: string | undefined
  /** The same at each entry: goes with what the step writes, sends and asks. */
  readonly trace: TraceContext
  /** Of what is made here: the agent, its run and step, and the tool call of the step whose stage this is. */
  readonly provenance: Provenance
  /** Aborts on cancel, timeout, loss of the journal, and with `parked` when the step gives up its process. */
  readonly signal: AbortSignal
  /** An answer of the world inside (a context read, now, random): recorded with the next append, whichever comes first. */
  answer<T extends Json>(call: CallName, ask: () => T | Promise<T>): Promise<T>
  /** The same for what must answer at once (`ctx.now()`, `ctx.random()`). */
  answerNow<T extends Json>(call: CallName, ask: () => T): T
  effect<Out>(name: string, spec: EffectSpec<Out>, fn: EffectFunction<Out>): Promise<Out>
  /** @returns false when a turn already committed holds this write: nothing is staged, overlays stay as they are. */
  stage(write: StagedWrite): boolean
  /**
   * Marks an error which says that somebody changed what the turn had read. If the code of the step ends with it, the turn
   * is repeated, as where its commit finds the change.
   */
  markStale(error: TroupeError): void
  /** Commits the turn: claims, answers, outcomes and staged writes in one change. */
  commit(): Promise<void>
  /** Commits the turn with what asks, then stays unsettled until the answer comes; the step parks meanwhile. */
  wait(wait: Wait): Promise<Json>
  /**
   * Called after each commit of staged writes, before anybody goes on: overlays give up what was committed, and keep what
   * was staged meanwhile.
   */
  onCommitted(listener: (committed: readonly StagedWrite[]) => void): void
  /** A stage over this one, for one tool call: never sees a running neighbour's; merged in the order of `child` calls. */
  child(stage: string): Recorder
  /**
   * Runs a body in a child stage and records its result with its staged writes when the turn commits.
   * @returns what it returned, from the record where the turn is committed
   */
  body<Out extends Json>(stage: string, run: (recorder: Recorder) => Promise<Out>): Promise<Out>
  /** What the step has read and computed from so far is tainted by these labels; fewer only after `clearTaint`. */
  readonly taint: readonly TaintLabel[]
  /** @param source what brought them, for people: a tool call, or an entry as `key@version` */
  addTaint(labels: readonly TaintLabel[], source?: string): void
  /** What brought the label first; undefined where that was before the step. */
  taintSource(label: TaintLabel): string | undefined
  /** Code that may vouch for what it goes on with has done so; called again on re-entry. */
  clearTaint(): void
  /**
   * A recorder of the same stage with a scope of its own: the labels of what is read through it do not become the step's
   * before its owner passes them on.
   * @param labels of what the call is given
   */
  scoped(labels?: readonly TaintLabel[]): ScopedRecorder
}

export interface ScopedRecorder {
  readonly recorder: Recorder
  /** Of what was given and read within. */
  labels(): readonly TaintLabel[]
  /** Adds labels to the recorder around, with their sources. */
  leave(passedOn: readonly TaintLabel[]): void
}
