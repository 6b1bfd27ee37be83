/**
 * One execution of a step's code: from its start to its end, or until the step stops. Holds what its calls share. An
 * execution that is not active answers no call and changes nothing but the outcomes of its effects.
 */
import type { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Clock,
  type Events,
  failure,
  type Json,
  joinTaint,
  type LastReturn,
  stackOf,
  type TaintLabel,
  type TroupeError,
} from '../../core/index.ts'
import type { Fragment } from '../../storage/index.ts'
import type { EffectSpec } from '../effect-port.ts'
import { EffectsInProgress } from '../effects/effects-in-progress.ts'
import type { UncertainEffects } from '../effects/uncertain-effects.ts'
import type { ExecutionTrigger } from '../machine/trigger.ts'
import type { StagedWrite } from '../recorder-port.ts'
import { CallCounter, type CallId } from '../replay/call-id.ts'
import { entryText } from '../replay/log-entry.ts'
import { ReplayCursor } from '../replay/replay-cursor.ts'
import type { AnswerItem, RetainedOutcome, StepRecord } from '../replay/step-record.ts'
import type { StepSpec } from '../steps-port.ts'
import type { Timers } from '../timers-port.ts'
import type { CommitBuffer } from '../turns/commit-buffer.ts'
import { Stage } from '../turns/stages.ts'
import { TaintScope } from './taint-scope.ts'

/** How calls of the code are answered: `returned` and `over` reject them, before and after the step has stopped. */
type CallMode = 'open' | 'returned' | 'over' | 'silent' | 'rejected'

export interface StepLimits {
  /** Entries in the record of one step. */
  readonly entries: number
  /** The maximal size of one recorded value as JSON: less than that of a record, which also has its name. */
  readonly valueBytes: number
  /** Restarts after the end of a process, without a record between, at which a step fails with `step.crashed`. */
  readonly restarts: number
  /** Attempts of a turn before its step fails with `turn.conflict`. */
  readonly attempts: number
  /** ms before the second attempt; doubled for each further one, and shaken. */
  readonly backoffMs: number
  /** How long, in ms, the next item of the record may stay unasked while other calls wait. */
  readonly stallMs: number
  /** How long the clean-up of cancelled code is awaited, in ms; after that it continues unobserved. */
  readonly unwindMs: number
}

/** The effect whose function is running, so that calls of `ctx` inside it are rejected. */
export interface EffectScope {
  readonly execution: Execution
  readonly effect: string
}

/** The triggers that an execution raises go to the machine of its step. */
export interface StepPort {
  readonly spec: StepSpec
  /** @param from the execution: triggers of one that is over have no effect */
  dispatch(trigger: ExecutionTrigger, from: Execution): void
  /** Starts what is due after a change. */
  advance(): void
}

/** An effect that the code of a step asked for when it was executed once more. */
export interface SeenEffect {
  readonly undo?: EffectSpec<unknown>['undo']
  readonly request?: Json
}

export interface ExecutionOptions {
  readonly clock: Clock
  readonly events?: Events | undefined
  readonly lastReturn: LastReturn
  readonly timers: Timers
  readonly uncertain: UncertainEffects
  readonly effectScope: AsyncLocalStorage<EffectScope>
  readonly limits: StepLimits
  readonly record: StepRecord
  readonly buffer: CommitBuffer
  readonly port: StepPort
  readonly checkLease?: (() => Promise<void> | undefined) | undefined
  readonly redact?: ((text: string) => string) | undefined
  /** The execution before it, whose taint continues. */
  readonly before?: Execution | undefined
  /** If present, the code is executed only to find its effects: no call begins. */
  readonly seen?: Map<CallId, SeenEffect>
}

export class Execution {
  readonly options: ExecutionOptions
  readonly record: StepRecord
  readonly cursor: ReplayCursor
  readonly counter = new CallCounter()
  readonly root = new Stage('', undefined, false)
  /** Errors that report a change of data which the turn had read. */
  readonly stale = new WeakSet<object>()
  readonly effects = new EffectsInProgress()
  /** Waits that are asked and not answered, in their order. */
  readonly waits = new Set<CallId>()
  /** Effects that a person must settle. */
  readonly uncertain = new Map<CallId, string>()
  /** Settled as not happened: carried out once that is durable. */
  readonly cleared = new Map<CallId, () => void>()
  /** Whether the code may stay in memory while the step is parked. */
  staysWhenParked = true
  #calls: CallMode = 'open'
  #controller: AbortController | undefined
  #reason: unknown
  /** Calls that begin when their place in the record is reached. */
  readonly #starts = new Map<CallId, () => void>()
  /** Calls that would add to the record, until the code has asked for all that the record has. */
  #held: (() => void)[] = []
  #reusing: { readonly id: CallId; readonly retained: RetainedOutcome }[] = []
  /** The labels of what the step has read; a tool call whose result may be hidden has a separate scope. */
  readonly scope: TaintScope
  /** The scopes of open calls with a separate scope. */
  readonly #scopes = new Map<CallId, TaintScope>()

  constructor(options: ExecutionOptions) {
    this.options = options
    this.record = options.record
    this.scope = new TaintScope(joinTaint(options.port.spec.taint, options.before?.taint))
    this.cursor = new ReplayCursor(options.record.items, options.record.positions)
  }

  /** Created at the first use, since most steps never use it. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  get spec(): StepSpec {
    return this.options.port.spec
  }

  get buffer(): CommitBuffer {
    return this.options.buffer
  }

  /** The code runs, and its calls are carried out. */
  get isOpen(): boolean {
    return this.#calls === 'open'
  }

  /** True while its effects may begin and their outcomes are answered. */
  get isActive(): boolean {
    return this.#calls === 'open' || this.#calls === 'returned'
  }

  /** The code waits for answers or for a person, and nothing else of it runs. */
  get onlyWaits(): boolean {
    if (this.#calls !== 'open' || this.waits.size + this.uncertain.size === 0) return false
    return !this.cursor.busy && this.effects.working === 0 && this.effects.size === 0
  }

  /** Returns the result of a call that is not executed: none, or an error. */
  afterwards(): Promise<never> {
    if (this.#calls === 'rejected') return Promise.reject(this.#reason)
    // Code that has returned is over for good; code that is stopped is executed again, and never answered here.
    if (this.#calls === 'over') return Promise.reject(failure('step.over', { step: this.spec.id }))
    return new Promise(() => {})
  }

  /** @throws ValidationError `effect.nested`; CancelledError `step.over` */
  check(): void {
    const effectScope = this.options.effectScope.getStore()
    if (effectScope?.execution === this) throw failure('effect.nested', { effect: effectScope.effect })
    if (this.#calls !== 'open') throw failure('step.over', { step: this.spec.id })
  }

  /** The code has returned or thrown: later calls are rejected. */
  programEnded(): void {
    if (this.#calls === 'open') this.#calls = 'returned'
  }

  raise(trigger: ExecutionTrigger): void {
    this.options.port.dispatch(trigger, this)
  }

  /** Starts the calls that are due now. */
  advance(): void {
    if (this.isActive) this.options.port.advance()
  }

  /** Opens a call: its promise settles when the record gives its answer. */
  open(stage: Stage, id: CallId, passive = false, scope?: TaintScope): Promise<unknown> {
    if (scope && scope !== this.scope) this.#scopes.set(id, scope)
    const promise = this.cursor.ask(id, passive)
    this.raise({ on: 'called' })
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
    if (this.options.seen) return
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

  /** Adds to the record a call whose answer is known already, as `start` does. */
  extend(id: CallId, run: () => void): void {
    if (this.options.seen || this.record.attempts > 0) run()
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

  /** Returns the item of the record that the code has not asked for while later ones wait. */
  get missing(): CallId | undefined {
    return this.cursor.missing ?? (this.#held.length > 0 ? this.record.firstUnasked : undefined)
  }

  /** One macrotask: begins due calls and gives one answer. */
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
    this.buffer.add(entryText(p === undefined ? fields : { ...fields, p }, text), how.fragment)
    if (how.durable) this.buffer.answerWhenDurable(item)
    this.advance()
  }

  ready(item: AnswerItem): void {
    item.ready = true
    this.advance()
  }

  /** Answers from the outcomes of a failed turn, in the order in which that turn was given them. */
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
      this.buffer.add(entryText({ t: 'reused', id, ...(p === undefined ? {} : { p }) }))
    }
  }

  /** Counts as work, so that the step does not park meanwhile. */
  async work<T>(run: () => Promise<T>): Promise<T> {
    this.effects.working++
    try {
      return await run()
    } finally {
      this.effects.working--
      this.advance()
    }
  }

  /** The code no longer fits the record. */
  changed(problem: string): void {
    this.raise({ on: 'callFailed', reason: { kind: 'code.changed', problem } })
  }

  /** The step fails with this error, its staged writes dropped. */
  fail(error: TroupeError): void {
    this.raise({ on: 'callFailed', reason: { kind: 'fail', error } })
  }

  get taint(): readonly TaintLabel[] {
    return this.scope.taint
  }

  onCommitted(stage: Stage, listener: (committed: readonly StagedWrite[]) => void): void {
    stage.listeners.push(listener)
  }

  /**
   * No call is answered and nothing staged any more. What effects still bring goes to the buffer alone.
   * @param calls `rejected`: open calls reject with the reason, so that the code's own clean-up runs
   * @param reason of the abort; none where effects go on: stopped again, they are aborted
   */
  stop(calls: 'silent' | 'rejected', reason?: unknown): void {
    if (this.isActive) {
      this.#calls = this.#calls === 'returned' ? 'over' : 'silent'
      this.cursor.end()
    }
    this.#reason ??= reason
    if (this.#reason !== undefined) this.#controller?.abort(this.#reason)
    if (calls === 'silent') return
    this.#calls = 'rejected'
    this.cursor.reject(this.#reason)
  }

  #count(): void {
    this.record.entries++
    const { limits } = this.options
    if (this.record.entries !== limits.entries) return
    const used = { used: this.record.entries, limit: limits.entries, unit: 'entries of one step' }
    this.fail(failure('journal.full', { journal: this.spec.id, ...used }))
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
