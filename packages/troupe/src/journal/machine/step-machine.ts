/**
 * A step in this process. Its states are in `step-data.ts`, its transitions in `step-table.ts`, its I/O is performed by
 * `step-executor.ts`. Invariant: a trigger is dispatched to its end before the next one; what it raises is queued.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  copyJson,
  failure,
  isLongValue,
  type Json,
  jsonInParts,
  nextMacrotask,
  runWithStepTaint,
  TimeSlice,
  whenAborted,
} from '../../core/index.ts'
import type { Recorder } from '../recorder-port.ts'
import type { Execution, StepPort } from '../steps/execution.ts'
import type { StepsContext } from '../steps/steps-context.ts'
import type { StepEnd, StepSpec } from '../steps-port.ts'
import { StageRecorder } from '../turns/stage-recorder.ts'
import type { Turn } from '../turns/turn.ts'
import { advanceStep } from './advance-step.ts'
import { type StepControl, StepData, type StepState } from './step-data.ts'
import { type Io, StepExecutor } from './step-executor.ts'
import { transitionOf } from './step-table.ts'
import { StepTimers } from './step-timers.ts'
import type { ProgramEnd, Trigger } from './trigger.ts'

export type Program = (recorder: Recorder) => Promise<Json>

export class StepMachine implements StepControl, StepPort {
  readonly data: StepData
  readonly context: StepsContext
  readonly timers: StepTimers
  readonly #program: Program
  readonly #executor: StepExecutor
  /** The trace of the step, to which all its commits and triggers belong. */
  readonly #within = AsyncLocalStorage.snapshot()
  readonly #queue: Trigger[] = []
  #isDispatching = false
  #needsAdvance = false
  /** The states to which the present trigger may lead. */
  #targets: readonly StepState[] = []
  #unlisten: () => void = () => {}
  #writing: Promise<void> | undefined

  constructor(context: StepsContext, spec: StepSpec, program: Program) {
    this.data = new StepData(spec)
    this.context = context
    this.#program = program
    this.#executor = new StepExecutor(context, spec)
    this.timers = new StepTimers(context.clock, (trigger) => this.#within(() => this.dispatch(trigger)))
  }

  get spec(): StepSpec {
    return this.data.spec
  }

  get end(): Promise<StepEnd> {
    return this.data.end.promise
  }

  get state(): StepState {
    return this.data.state
  }

  get port(): StepPort {
    return this
  }

  start(): void {
    this.listen()
    this.perform({ do: 'load', isRestart: false })
  }

  /** Aborts the code, awaits its effects and records them; resolves when the step has ended. */
  stop(kind: 'close' | 'cancel'): Promise<void> {
    return this.#stop({ on: 'stop', reason: { kind } })
  }

  /**
   * Cancels a step whose journal is fenced. An `at-most-once` effect in progress may end before, within the time that cancelled
   * code has, because its outcome would be unknown.
   */
  abort(): void {
    const claims = [...(this.data.execution?.record.claims.values() ?? [])]
    const isActing = claims.some((claim) => claim.class === 'at-most-once' && !claim.outcome && !claim.uncertain)
    const cancel = () => void this.stop('cancel')
    const { clock, limits } = this.context
    if (isActing) void this.drain().then(clock.after(limits.unwindMs, cancel, { background: true }))
    else cancel()
  }

  /** Aborts nothing: awaits effects in progress and records them; resolves when the step has ended. */
  drain(): Promise<void> {
    return this.#stop({ on: 'drain' })
  }

  /** The user is erased. Nothing of the step is written any more, although its code may run. */
  async forget(): Promise<void> {
    if (this.data.state === 'loading') this.#executor.stop()
    this.dispatch({ on: 'forget' })
    await this.#writing
  }

  drop(): void {
    this.dispatch({ on: 'drop' })
  }

  dispatch(trigger: Trigger, from?: Execution): void {
    if (from && from !== this.data.execution) return
    this.#queue.push(trigger)
    this.#run()
  }

  raise(trigger: Trigger): void {
    this.#queue.push(trigger)
  }

  advance(): void {
    this.#needsAdvance = true
    this.#run()
  }

  enter(state: StepState): void {
    if (state === this.data.state) return
    if (!this.#targets.includes(state))
      throw failure('invariant.broken', { rule: `a step that is ${this.data.state} becomes ${state}` })
    this.data.state = state
  }

  perform(io: Io): void {
    const performed = this.#within(() => this.#executor.perform(io))
      .catch((error: unknown): Trigger => ({ on: 'broken', error }))
      .then((trigger) => {
        const { buffer, inbox } = this.data
        if (io.do === 'readInbox') inbox.isReading = false
        if (io.do === 'commit' || io.do === 'record') buffer.phase = 'idle'
        this.dispatch(trigger)
      })
    // A load writes too: it takes the journal over, and records a restart.
    if (io.do === 'commit' || io.do === 'record' || io.do === 'load') this.#writing = performed
  }

  startCode(): void {
    const { data } = this
    data.code = 'running'
    void this.#within(() => this.#runProgram(data.execution as Execution, data.turn as Turn))
  }

  setParked(isParked: boolean): void {
    if (!isParked) {
      this.context.resumed(this)
      return
    }
    // A suspect of the same run may be queued behind it, and the run asks a person only after all its branches wait.
    this.#executor.release()
    this.context.parked(this)
  }

  listen(): void {
    this.#unlisten()
    this.#unlisten = whenAborted(this.data.spec.signal, () => void this.stop('cancel'))
  }

  release(): void {
    this.#unlisten()
    this.timers.stop()
    this.#executor.release()
    this.context.over(this)
  }

  async #stop(trigger: Trigger): Promise<void> {
    if (this.data.state === 'loading') this.#executor.stop()
    this.dispatch(trigger)
    await this.end.catch(() => {})
  }

  #run(): void {
    if (this.#isDispatching) return
    this.#isDispatching = true
    try {
      this.#dispatchAll()
    } finally {
      this.#isDispatching = false
    }
  }

  #dispatchAll(): void {
    for (let next = this.#queue.shift(); next || this.#needsAdvance; next = this.#queue.shift()) {
      this.#needsAdvance = false
      try {
        if (next) this.#transition(next)
        advanceStep(this)
      } catch (error) {
        this.#queue.unshift({ on: 'broken', error })
      }
    }
  }

  #transition<T extends Trigger>(trigger: T): void {
    const transition = transitionOf(this.data.state, trigger.on)
    this.#targets = transition?.to ?? []
    // The action of a trigger accepts this trigger, which the compiler cannot derive from the union.
    ;(transition?.run as ((step: StepControl, trigger: T) => void) | undefined)?.(this, trigger)
  }

  async #runProgram(execution: Execution, turn: Turn): Promise<void> {
    let end: ProgramEnd
    try {
      const recorder = new StageRecorder(execution, turn, execution.root)
      const value = (await runWithStepTaint(recorder, () => this.#program(recorder))) ?? null
      if (execution.root.hasClientCalls) await execution.root.clientCallsEnded()
      end = { value }
    } catch (thrown) {
      end = { thrown }
    }
    if ('value' in end && isLongValue(end.value)) end = await this.#encodeLong(end.value)
    this.dispatch({ on: 'programEnded', end }, execution)
  }

  /** Copies a long outcome and writes its text, in macrotasks of their own. */
  async #encodeLong(value: Json): Promise<ProgramEnd> {
    const { clock } = this.context
    await nextMacrotask(clock)
    try {
      const copy = copyJson(value)
      return { value: copy, text: await new TimeSlice(clock).finish(jsonInParts(copy), 1) }
    } catch {
      // The turn rejects it with its name.
      return { value }
    }
  }
}
