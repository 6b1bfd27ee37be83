/**
 * One life of a step's code: from its start to its end, or until it is given up and entered again. Holds what its calls
 * share. A dead life answers nobody and changes nothing.
 */
import type { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Clock,
  type Events,
  failure,
  type Json,
  joinTaint,
  type StoredError,
  stackOf,
  type TaintLabel,
  type TroupeError,
  WorkTimer,
} from '../../core/index.ts'
import type { Fragment } from '../../storage/index.ts'
import type { EffectSpec } from '../effect-port.ts'
import type { UncertainEffects } from '../effects/uncertain-effects.ts'
import type { StagedWrite } from '../recorder-port.ts'
import { CallCounter, type CallId } from '../replay/call-id.ts'
import { entryText } from '../replay/log-entry.ts'
import { ReplayCursor } from '../replay/replay-cursor.ts'
import type { AnswerItem, RetainedOutcome, StepRecord } from '../replay/step-record.ts'
import type { StepSpec } from '../steps-port.ts'
import type { Timers } from '../timers-port.ts'
import type { Appender } from '../turns/appender.ts'
import type { Rejection } from '../turns/own-journal.ts'
import { Stage } from '../turns/stages.ts'
import { TaintScope } from './taint-scope.ts'

export interface StepLimits {
  /** Entries in the record of one step. */
  readonly entries: number
  /** Of one recorded value, as JSON: less than a record may have, which says what the value is, too. */
  readonly valueBytes: number
  /** Restarts after the end of a process, without a record between, at which a step fails with `step.crashed`. */
  readonly restarts: number
  /** Attempts of a turn before its step fails with `turn.conflict`. */
  readonly attempts: number
  /** ms before the second attempt; doubled for each further one, and shaken. */
  readonly backoffMs: number
  /** ms for which what the record holds next may stand unasked while other calls wait. */
  readonly stallMs: number
  /** ms that the clean-up of cancelled code may take; after that it goes on unobserved. */
  readonly unwindMs: number
}

/** The effect whose function is running, so that `ctx` inside it is refused. */
export interface EffectScope {
  readonly execution: Execution
  readonly effect: string
}

export interface ExecutionHost {
  readonly spec: StepSpec
  turnFailed(rejection: Rejection): void
  leaseLost(): void
  crashed(error: unknown): void
  /** The code no longer fits the record. */
  changed(problem: string): void
  /** The step fails with this error, its staged writes dropped. */
  fail(error: TroupeError): void
  stepEnded(end: { readonly value: Json } | { readonly error: StoredError }): void
  /** Maybe nothing is left but waits. */
  onIdle(): void
}

export interface ExecutionOptions {
  readonly clock: Clock
  readonly events?: Events | undefined
  /** When this process began to execute steps, ms since 1970. */
  readonly startedAt: number
  readonly timers: Timers
  readonly uncertain: UncertainEffects
  readonly effectScope: AsyncLocalStorage<EffectScope>
  readonly limits: StepLimits
  readonly record: StepRecord
  readonly appender: Appender
  readonly host: ExecutionHost
  readonly checkLease?: (() => Promise<void> | undefined) | undefined
  readonly redact?: ((text: string) => string) | undefined
  /** The one that it ends for: its taint goes on. */
  readonly before?: Execution | undefined
  /** The code is entered only to learn how its effects are undone: no call begins. */
  readonly learned?: Map<CallId, NonNullable<EffectSpec<unknown>['undo']>>
}

export class Execution {
  readonly options: ExecutionOptions
  readonly record: StepRecord
  readonly cursor: ReplayCursor
  readonly counter = new CallCounter()
  readonly root = new Stage('', undefined, false)
  /** Errors which say that somebody changed what the turn had read. */
  readonly stale = new WeakSet<object>()
  /** Effects that were started, until their outcome is in the record, and the stage of each. */
  readonly running = new Map<Promise<void>, Stage>()
  /** Waits that are told and not answered, in their order. */
  readonly waits = new Set<CallId>()
  /** Effects that a person must settle; the value carries one out that did not happen. */
  readonly uncertain = new Map<CallId, { readonly effect: string; readonly rerun: () => void }>()
  /** What runs of the step's own outside the record: pure effects, functions of effects, reads. */
  working = 0
  returned = false
  dead = false
  /** No effect begins any more: the step is about to give up its process. */
  draining = false
  /** It was cancelled: calls are refused, where else they never settle. */
  unwinding = false
  #controller: AbortController | undefined
  #reason: unknown
  /** What begins when its place in the record is reached. */
  readonly #starts = new Map<CallId, () => void>()
  #isTickScheduled = false
  #missing: CallId | undefined
  /** What would add to the record, until the code has asked for all that the record holds. */
  #held: (() => void)[] = []
  #stall: WorkTimer | undefined
  #reusing: { readonly id: CallId; readonly retained: RetainedOutcome }[] = []
  /** Of what the step has read; a tool call whose result its agent may hide has a scope of its own. */
  readonly scope: TaintScope
  /** Of calls that are open in such a scope. */
  readonly #scopes = new Map<CallId, TaintScope>()

  constructor(options: ExecutionOptions) {
    this.options = options
    this.record = options.record
    this.scope = new TaintScope(joinTaint(options.host.spec.taint, options.before?.taint))
    this.cursor = new ReplayCursor(options.record.items, options.record.positions)
  }

  /** Made when somebody asks for it: most steps never do. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** The code waits for answers or for a person, and nothing else of it runs. */
  get onlyWaits(): boolean {
    if (this.dead || this.returned || this.waits.size + this.uncertain.size === 0) return false
    return !this.cursor.busy && this.working === 0 && this.running.size === 0
  }

  /** What a call is answered with once this life is over. */
  afterwards(): Promise<never> {
    if (this.unwinding) return Promise.reject(this.#reason)
    // Code that has returned is over for good; code that gave up its process is entered again, and never answered here.
    if (this.returned) return Promise.reject(failure('step.over', { step: this.options.host.spec.id }))
    return new Promise(() => {})
  }

  get appender(): Appender {
    return this.options.appender
  }

  /** @throws ValidationError `effect.nested`; CancelledError `step.over` */
  check(): void {
    const effectScope = this.options.effectScope.getStore()
    if (effectScope?.execution === this) throw failure('effect.nested', { effect: effectScope.effect })
    if (this.returned || this.dead) throw failure('step.over', { step: this.options.host.spec.id })
  }

  /** Opens a call: its promise settles when the record gives its answer. */
  open(stage: Stage, id: CallId, passive = false, scope?: TaintScope): Promise<unknown> {
    if (scope && scope !== this.scope) this.#scopes.set(id, scope)
    const promise = this.cursor.ask(id, passive)
    this.advance()
    stage.openCalls++
    const close = () => void stage.openCalls--
    promise.then(close, close)
    return promise
  }

  /**
   * Runs when the record is used up; what belongs to a turn that is repeated, at its place. A call that the record does not
   * hold waits until the code has asked for all that the record does hold, so that other code adds nothing to it.
   */
  start(id: CallId, run: () => void): void {
    if (this.options.learned) return
    const isRecorded = this.record.claims.has(id)
    this.#whenInOrder(id, () => (isRecorded ? run() : this.#whenAllAsked(run)))
  }

  #whenInOrder(id: CallId, run: () => void): void {
    if (this.cursor.whenInOrder(id) === 'now') run()
    else {
      this.#starts.set(id, run)
      this.advance()
    }
  }

  /** Adds to the record what has its answer already, in the way of `start`. */
  extend(id: CallId, run: () => void): void {
    if (this.options.learned || this.record.attempts > 0) run()
    else this.start(id, run)
  }

  /** The code asks for a claim or wait, which the record may hold. */
  asked(id: CallId): void {
    if (this.record.unasked.delete(id)) this.advance()
  }

  /** @returns whether the record holds the write as committed */
  askedForWrite(id: CallId): boolean {
    const isCommitted = this.record.writes.delete(id)
    if (isCommitted) this.advance()
    return isCommitted
  }

  /** A turn that is repeated reads again, and may ask in another order: there the record holds nothing back. */
  #whenAllAsked(run: () => void): void {
    if (this.record.attempts > 0 || (this.record.allAsked && this.#held.length === 0)) run()
    else {
      this.#held.push(run)
      this.advance()
    }
  }

  /** The next macrotask answers or begins something. */
  get due(): boolean {
    return this.cursor.due || this.#reusing.length > 0 || (this.#held.length > 0 && this.record.allAsked)
  }

  /** What the record holds and the code has not asked for, while something waits behind it. */
  get missing(): CallId | undefined {
    return this.cursor.missing ?? (this.#held.length > 0 ? this.record.firstUnasked : undefined)
  }

  /** One macrotask: begins what may begin and gives one answer. */
  tick(): void {
    this.#reuseOutcomes()
    if (this.record.allAsked) for (const run of this.#held.splice(0)) run()
    for (let step = this.cursor.next(); step !== 'nothing'; step = this.cursor.next()) {
      if ('give' in step) {
        this.#give(step.give)
        return
      }
      for (const id of step.begin) this.#begin(id)
    }
  }

  #begin(id: CallId): void {
    const run = this.#starts.get(id)
    this.#starts.delete(id)
    run?.()
  }

  #give(item: AnswerItem): void {
    const scope = this.#scopes.get(item.id) ?? this.scope
    this.#scopes.delete(item.id)
    if (item.taint) scope.add(item.taint)
    this.cursor.give(item)
  }

  /**
   * Puts an answer into the record.
   * @param value as JSON text, undefined for none
   * @param durable given only once it is durable
   */
  answer(
    item: AnswerItem,
    fields: { readonly t: AnswerItem['kind']; readonly [key: string]: unknown },
    text: string | undefined,
    how: { readonly durable?: boolean; readonly fragment?: Fragment | undefined } = {},
  ): void {
    this.#count()
    if (how.durable) item.ready = false
    const p = this.cursor.push(item)
    this.appender.add(entryText(p === undefined ? fields : { ...fields, p }, text), how.fragment)
    this.advance()
    if (!how.durable) return
    this.appender.whenDurable(() => this.ready(item))
    this.appender.flush()
  }

  ready(item: AnswerItem): void {
    item.ready = true
    this.advance()
  }

  /** Answers from what a failed turn left, in the order in which that turn was given it. */
  reuse(id: CallId, retained: RetainedOutcome): void {
    this.record.retained.delete(id)
    this.#whenInOrder(id, () => {
      this.#reusing.push({ id, retained })
      this.advance()
    })
  }

  #reuseOutcomes(): void {
    const asked = this.#reusing.sort((one, other) => one.retained.order - other.retained.order)
    this.#reusing = []
    for (const { id, retained } of asked) {
      const p = this.cursor.push({ ...retained.item, ready: true, consumed: false })
      this.appender.add(entryText({ t: 'reused', id, ...(p === undefined ? {} : { p }) }))
    }
  }

  /** Schedules what is due, and watches for what is missing. */
  advance(): void {
    if (this.dead || this.#isTickScheduled) return
    this.#isTickScheduled = true
    this.options.clock.soon(() => {
      this.#isTickScheduled = false
      if (this.dead) return
      this.tick()
      this.#watch()
      if (this.due) this.advance()
      else this.options.host.onIdle()
    })
  }

  /**
   * Code that never asks for what the record holds next, while it waits for something else, is another code. The process
   * stays until that is known: a program may wait for the run alone.
   */
  #watch(): void {
    const { missing } = this
    if (missing === this.#missing) return
    this.#stall?.stop()
    this.#stall = undefined
    this.#missing = missing
    if (missing === undefined) return
    this.#stall = new WorkTimer(this.options.clock, this.options.limits.stallMs, () => {
      this.#missing = undefined
      if (this.dead || this.missing !== missing) return
      // Functions that still run may be about to ask.
      if (this.working > 0 || this.running.size > 0) this.#watch()
      else this.changed(`the record goes on with ${missing}, which is never asked for`)
    })
  }

  /** Counts as work: the step does not park meanwhile. */
  async work<T>(run: () => Promise<T>): Promise<T> {
    this.working++
    try {
      return await run()
    } finally {
      this.working--
      if (!this.dead) this.options.host.onIdle()
    }
  }

  changed(problem: string): void {
    if (!this.dead) this.options.host.changed(problem)
  }

  get taint(): readonly TaintLabel[] {
    return this.scope.taint
  }

  onCommitted(stage: Stage, listener: (committed: readonly StagedWrite[]) => void): void {
    stage.listeners.push(listener)
  }

  /**
   * Nothing is answered and nothing staged any more. What effects still bring goes to the appender alone.
   * @param reason of the abort; none where the step is simply over, or its effects go on: ended again, they are aborted
   * @param unwind open calls reject with it, so that the code's own clean-up runs: for a cancel, never for parking
   */
  end(reason?: unknown, unwind = false): void {
    if (!this.dead) {
      this.dead = true
      this.unwinding = unwind
      this.#stall?.stop()
      this.cursor.end(unwind ? reason : undefined)
    }
    this.#reason ??= reason
    if (this.#reason !== undefined) this.#controller?.abort(this.#reason)
  }

  /** Resolves when every started effect has its outcome in the record, those started meanwhile included. */
  async effectsDone(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running.keys())
  }

  #count(): void {
    this.record.entries++
    const { limits, host } = this.options
    if (this.record.entries !== limits.entries || this.dead) return
    const used = { used: this.record.entries, limit: limits.entries, unit: 'entries of one step' }
    host.fail(failure('journal.full', { journal: host.spec.id, ...used }))
  }
}

/** An item for an answer that is there. */
export function createItem(
  kind: AnswerItem['kind'],
  id: CallId,
  outcome: Partial<Pick<AnswerItem, 'value' | 'error' | 'hash' | 'taint'>> & { readonly thrown?: unknown },
): AnswerItem {
  const { value, error, hash, taint, thrown } = outcome
  return { kind, id, value, error, stack: stackOf(thrown), hash, taint, ready: true, consumed: false }
}
