/**
 * An execution of a step's code, from its start to its end or until the step stops, with the common state of its calls. If it
 * is not active, it answers no call and adds only outcomes of its effects to the record.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
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
import { OutcomesOfStep } from '../effects/unrecorded-outcomes.ts'
import type { ExecutionTrigger } from '../machine/trigger.ts'
import { CallCounter, type CallId } from '../replay/call-id.ts'
import { entryText } from '../replay/log-entry.ts'
import { ReplayCursor } from '../replay/replay-cursor.ts'
import type { AnswerItem, RetainedOutcome, StepRecord } from '../replay/step-record.ts'
import type { StepSpec } from '../steps-port.ts'
import type { Timers } from '../timers-port.ts'
import type { CommitBuffer } from '../turns/commit-buffer.ts'
import { Stage } from '../turns/stages.ts'
import { TaintScope } from './taint-scope.ts'

/**
 * The treatment of calls of the code. `returned`: rejected, because the code has ended. `over`: the same after the step has
 * stopped. `silent`: never settled. `rejected`: rejected with the reason of the stop.
 */
type CallMode = 'open' | 'returned' | 'over' | 'silent' | 'rejected'

export interface StepLimits {
  /** The number of reads, effects, results of bodies, replies and commits in the record of one step at which it fails. */
  readonly entries: number
  /** The maximal size of one recorded value as JSON, in bytes. It is smaller than that of a record, which also has the name. */
  readonly valueBytes: number
  /** The number of restarts after the end of a process, without a record between them, at which a step fails with `step.crashed`. */
  readonly restarts: number
  /** The number of attempts of a turn before its step fails with `turn.conflict`. */
  readonly attempts: number
  /** The delay before the second attempt in ms, doubled for each further attempt, with jitter. */
  readonly backoffMs: number
  /** The time in ms within which the code must make the next call of the record while its other calls wait. */
  readonly stallMs: number
  /** The maximal wait for the clean-up of cancelled code in ms. Afterwards it continues, and its end is ignored. */
  readonly unwindMs: number
}

/** The effect whose function is running, so that calls of `ctx` inside it are rejected. */
export interface EffectScope {
  readonly execution: Execution
  readonly effect: string
}

/** Passes the triggers of an execution to the machine of its step. */
export interface StepPort {
  readonly spec: StepSpec
  /** @param from the execution; a trigger of an earlier execution has no effect */
  dispatch(trigger: ExecutionTrigger, from: Execution): void
  /** Starts the due actions after a change. */
  advance(): void
}

/** An effect that the code of a step called in a replay. */
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
  /** Outcomes of an earlier execution of the step in this process, whose change failed. */
  readonly unrecorded?: OutcomesOfStep | undefined
  /** The previous execution, whose taint this one inherits. */
  readonly before?: Execution | undefined
  /** If present, the code is executed only to find its effects, and no call begins. */
  readonly seen?: Map<CallId, SeenEffect>
}

export class Execution {
  readonly options: ExecutionOptions
  readonly record: StepRecord
  readonly cursor: ReplayCursor
  readonly counter = new CallCounter()
  readonly root = new Stage('')
  /** Errors that report a change of data which the turn had read. */
  readonly stale = new WeakSet<object>()
  readonly effects = new EffectsInProgress()
  /** The open waits, in their order. */
  readonly waits = new Set<CallId>()
  /** Effects that a person must resolve. */
  readonly uncertain = new Map<CallId, string>()
  /** Effects that were resolved as not happened. They are executed when the resolution is durable. */
  readonly cleared = new Map<CallId, () => void>()
  /** Outcomes of at-most-once effects that are not durable. */
  readonly unrecorded: OutcomesOfStep
  /** Whether the code may stay in memory while the step is parked. */
  staysWhenParked = true
  #calls: CallMode = 'open'
  #controller: AbortController | undefined
  #reason: unknown
  /** Calls that begin when their position in the record is reached. */
  readonly #starts = new Map<CallId, () => void>()
  /** Calls that would add to the record. They wait until the code has made all recorded calls. */
  #held: (() => void)[] = []
  #reusing: { readonly id: CallId; readonly retained: RetainedOutcome }[] = []
  /** The labels of what the step has read; a tool call whose result may be hidden has a separate scope. */
  readonly scope: TaintScope
  /** The scopes of open calls with a separate scope. */
  readonly #scopes = new Map<CallId, TaintScope>()

  constructor(options: ExecutionOptions) {
    this.options = options
    this.record = options.record
    this.unrecorded = options.unrecorded ?? options.before?.unrecorded ?? new OutcomesOfStep()
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

  /** True while the code runs and its calls are executed. */
  get isOpen(): boolean {
    return this.#calls === 'open'
  }

  /** True while its effects may begin and their outcomes are answered. */
  get isActive(): boolean {
    return this.#calls === 'open' || this.#calls === 'returned'
  }

  /** True if all open calls of the code are waits or uncertain effects. */
  get onlyWaits(): boolean {
    if (this.#calls !== 'open' || this.waits.size + this.uncertain.size === 0) return false
    return !this.cursor.busy && this.effects.working === 0 && this.effects.size === 0
  }

  /** Returns the result of a call that is not executed: none, or an error. */
  afterwards(): Promise<never> {
    if (this.#calls === 'rejected') return Promise.reject(this.#reason)
    // Code that has returned does not run again. Stopped code is executed again elsewhere, and gets no answer here.
    if (this.#calls === 'over') return Promise.reject(failure('step.over', { step: this.spec.id }))
    return new Promise(() => {})
  }

  /** @throws ValidationError `effect.nested`; CancelledError `step.over` */
  check(): void {
    const effectScope = this.options.effectScope.getStore()
    if (effectScope?.execution === this) throw failure('effect.nested', { effect: effectScope.effect })
    if (this.#calls !== 'open') throw failure('step.over', { step: this.spec.id })
  }

  /** Rejects later calls, because the code has returned or thrown. */
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
  open(id: CallId, passive = false, scope?: TaintScope): Promise<unknown> {
    if (scope && scope !== this.scope) this.#scopes.set(id, scope)
    const promise = this.cursor.ask(id, passive)
    this.raise({ on: 'called' })
    return promise
  }

  /**
   * Runs the function when all recorded answers are given, or for a call of a repeated turn at its position. A call that is
   * not in the record waits until the code has made all recorded calls, so that changed code adds nothing to the record.
   * The function runs in the async context of this call.
   */
  start(id: CallId, run: () => void): void {
    if (this.options.seen) return
    const isRecorded = this.record.claims.has(id)
    this.#whenInOrder(id, () => (isRecorded ? run() : this.#whenAllAsked(run)))
  }

  #whenInOrder(id: CallId, run: () => void): void {
    if (this.cursor.whenInOrder(id) === 'now') run()
    else {
      this.#starts.set(id, AsyncLocalStorage.bind(run))
      this.advance()
    }
  }

  /** As `start`, for a call whose answer is known. */
  extend(id: CallId, run: () => void): void {
    if (this.options.seen || this.record.attempts > 0) run()
    else this.start(id, run)
  }

  /** Notes that the code has made a claim or a wait that may be in the record. */
  asked(id: CallId): void {
    if (this.record.unasked.delete(id)) this.advance()
  }

  /** Notes that the code has made a write. @returns whether the record has it as committed */
  askedForWrite(id: CallId): boolean {
    const isCommitted = this.record.writes.delete(id)
    if (isCommitted) this.advance()
    return isCommitted
  }

  /** A repeated turn reads again and may call in another order, so its calls do not wait for recorded ones. */
  #whenAllAsked(run: () => void): void {
    if (this.record.attempts > 0 || (this.record.allAsked && this.#held.length === 0)) run()
    else {
      this.#held.push(AsyncLocalStorage.bind(run))
      this.advance()
    }
  }

  /** True if the next macrotask answers or begins a call. */
  get due(): boolean {
    return this.cursor.due || this.#reusing.length > 0 || (this.#held.length > 0 && this.record.allAsked)
  }

  /** Returns the recorded call that the code has not made while later calls wait for it. */
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
   * Records an answer.
   * @param value the value as JSON text; undefined if absent
   * @param durable true if the code gets the answer only when it is durable
   */
  answer(
    item: AnswerItem,
    fields: { readonly t: AnswerItem['kind']; readonly [key: string]: unknown },
    text: string | undefined,
    how: { readonly durable?: boolean; readonly fragment?: Fragment | undefined } = {},
  ): void {
    this.count()
    if (how.durable) item.ready = false
    const p = this.cursor.push(item)
    this.buffer.add(entryText(p === undefined ? fields : { ...fields, p }, text), how.fragment)
    if (how.durable) this.buffer.answerWhenDurable(item)
    this.advance()
  }

  ready(item: AnswerItem): void {
    item.ready = true
    this.unrecorded.delete(item.id)
    this.advance()
  }

  /** Answers a call with its outcome in the failed turn, in the order of that turn. */
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

  /** Executes a function. The step does not park meanwhile. */
  async work<T>(run: () => Promise<T>): Promise<T> {
    this.effects.working++
    try {
      return await run()
    } finally {
      this.effects.working--
      this.advance()
    }
  }

  /** Stops the step, because its code no longer fits the record. */
  changed(problem: string): void {
    this.raise({ on: 'callFailed', reason: { kind: 'code.changed', problem } })
  }

  /** Fails the step with this error and drops its staged writes. */
  fail(error: TroupeError): void {
    this.raise({ on: 'callFailed', reason: { kind: 'fail', error } })
  }

  get taint(): readonly TaintLabel[] {
    return this.scope.taint
  }

  /**
   * Ends the execution: no call is answered, and nothing is staged. Outcomes of effects are added to the buffer.
   * @param calls `rejected`: open calls reject with the reason, so that the code can clean up
   * @param reason the reason of the abort; without it effects continue, and a second call with one aborts them
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

  /** Counts an answer, and fails the step if its record has too many. */
  count(): void {
    this.record.entries++
    const { limits } = this.options
    if (this.record.entries < limits.entries) return
    const used = { used: this.record.entries, limit: limits.entries, unit: 'entries of one step' }
    this.fail(failure('journal.full', { journal: this.spec.id, ...used }))
  }
}

/** Creates an item for a known answer. */
export function createItem(
  kind: AnswerItem['kind'],
  id: CallId,
  outcome: Partial<Pick<AnswerItem, 'value' | 'error' | 'hash' | 'taint'>> & { readonly thrown?: unknown },
): AnswerItem {
  const { value, error, hash, taint, thrown } = outcome
  return { kind, id, value, error, stack: stackOf(thrown), hash, taint, ready: true, consumed: false }
}
