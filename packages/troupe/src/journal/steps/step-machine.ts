/**
 * One step being carried out in this process: its lives one after another, until it is settled, given up, or parked.
 * Invariant: at most one life is alive, and only it appends.
 */
import { failure, hashJson, type Json, type StoredError, sleep, TroupeError } from '../../core/index.ts'
import type { JournalContent, JournalWriter } from '../journal-port.ts'
import type { Recorder } from '../recorder-port.ts'
import { entryText } from '../replay/log-entry.ts'
import { StepRecord } from '../replay/step-record.ts'
import type { StepEnd, StepSpec } from '../steps-port.ts'
import { Appender } from '../turns/appender.ts'
import { OwnJournal, type Rejection } from '../turns/own-journal.ts'
import { StageRecorder } from '../turns/stage-recorder.ts'
import { Turn } from '../turns/turn.ts'
import { Execution, type ExecutionHost } from './execution.ts'
import { InboxReader } from './inbox-reader.ts'
import { openStepJournal } from './open-step-journal.ts'
import { recordRestart } from './record-restart.ts'
import { invalidTurn, logOf, neverCommitted, staleRejection, stepEndOf, stoppedEnd } from './step-end.ts'
import { executionParts, type StepsContext } from './steps-context.ts'
import { waitAtMost } from './wait-at-most.ts'

export type Program = (recorder: Recorder) => Promise<Json>
type State = 'running' | 'parked' | 'over'

export class StepMachine implements ExecutionHost {
  spec: StepSpec
  readonly #context: StepsContext
  readonly #program: Program
  #state: State = 'running'
  #end = Promise.withResolvers<StepEnd>()
  #execution: Execution | undefined
  #appender: Appender | undefined
  #inboxReader: InboxReader | undefined
  #unlisten: () => void = () => {}
  readonly #stopping = new AbortController()
  #parkScheduled = false
  /** Settles with the code of the life that runs. */
  #code: Promise<void> = Promise.resolve()
  #stopReason: 'cancelled' | 'closed' | undefined

  constructor(context: StepsContext, spec: StepSpec, program: Program) {
    this.#context = context
    this.spec = spec
    this.#program = program
    this.#end.promise.catch(() => {})
    this.#listen()
  }

  get end(): Promise<StepEnd> {
    return this.#end.promise
  }

  get state(): State {
    return this.#state
  }

  get execution(): Execution | undefined {
    return this.#execution
  }

  async execute(): Promise<void> {
    try {
      // Who was given up meanwhile takes no journal from its new owner.
      const asked = this.spec.runId === undefined ? undefined : this.#context.checkLease?.()
      if (asked) await asked
      const { content, writer } = await openStepJournal(this.#context, this.spec)
      if (content && !writer) return this.#finish(stepEndOf(content))
      if (this.#stopReason) return this.#finish(stoppedEnd(this.#stopReason))
      this.#begin(writer)
      const restart = await recordRestart(this.#context, this.spec, this.#appender as Appender, content, this.#stopping)
      void this.#end.promise.finally(restart.over).catch(() => {})
      await (restart.crashed ? this.#endAsFailed(restart.crashed) : this.#live(content))
    } catch (error) {
      if (error instanceof TroupeError && error.code === 'journal.lost') this.#finish({ status: 'lost' })
      else this.#fail(error)
    }
  }

  resume(spec: StepSpec): void {
    this.#unlisten()
    this.spec = spec
    this.#listen()
    this.#wake()
    void (spec.signal?.aborted ? this.stop('cancelled') : this.#inboxReader?.poll())
  }

  /** Something may be in its inbox. */
  arrived(): void {
    if (this.#state === 'parked' && this.spec.canResume?.() === false) return
    void this.#inboxReader?.poll()
  }

  /** The continuation is dropped: `finally` does not run, the old `ctx` is dead. */
  drop(): void {
    this.#over()
    this.#execution?.end('parked')
  }

  /** Aborts what runs, awaits its effects and records them. */
  async stop(why: 'cancelled' | 'closed'): Promise<void> {
    if (this.#state === 'over') return
    this.#stopReason ??= why
    this.#stopping.abort()
    const execution = this.#execution
    this.#wake()
    const over = execution?.dead !== false
    if (why === 'cancelled') execution?.end(failure('cancelled', { what: `The step ${this.spec.id}` }), true)
    else execution?.end('parked')
    if (over) return void (await this.#end.promise.catch(() => {}))
    await this.#recordAlone(execution)
  }

  /** Its user is forgotten: nothing more of it is written, whatever of its code still runs. */
  async forget(): Promise<void> {
    this.#finish({ status: 'lost' })
    this.#stopping.abort()
    await this.#appender?.stop()
  }

  turnFailed(rejection: Rejection): void {
    const execution = this.#execution as Execution
    // Whoever ended it awaits the append and records what is left.
    if (execution.dead) return
    execution.end() // Effects of tool calls beside it go on: what they bring is kept.
    void this.#repeat(execution, rejection).catch((error: unknown) => this.#fail(error))
  }

  turnImpossible(error: unknown): void {
    this.fail(invalidTurn(error))
  }

  leaseLost(): void {
    const execution = this.#execution as Execution
    if (execution.dead) return
    execution.end(failure('journal.lost', { journal: this.spec.id }))
    void this.#afterLoss(execution).catch((error: unknown) => this.#fail(error))
  }

  crashed(error: unknown): void {
    this.#execution?.end(error)
    this.#fail(error)
  }

  changed(problem: string): void {
    const execution = this.#execution as Execution
    if (execution.dead) return
    const { inputHash } = execution.record
    const other = inputHash !== undefined && inputHash !== hashJson(this.spec.input).slice(0, 32)
    const full = other ? `${problem}; and its input is another` : problem
    execution.end(failure('code.changed', { step: this.spec.id, problem: full }))
    void this.#stopped(execution).then(
      () => this.#finish({ status: 'code.changed', problem: full }),
      (error: unknown) => this.#fail(error),
    )
  }

  fail(error: TroupeError): void {
    const execution = this.#execution as Execution
    if (execution.dead) return
    execution.end(error)
    void this.#stopped(execution)
      .then(() => this.#endAsFailed(error))
      .catch((thrown: unknown) => this.#fail(thrown))
  }

  stepEnded(end: { readonly value: Json } | { readonly error: StoredError }): void {
    this.#execution?.end()
    this.#finish('value' in end ? { status: 'completed', outcome: end.value } : { status: 'failed', error: end.error })
  }

  /** Looks a little later: code that was just answered may be about to call. */
  onIdle(): void {
    if (this.#parkScheduled || this.#state !== 'running' || !this.#onlyWaits()) return
    this.#parkScheduled = true
    const { clock } = this.#context
    clock.soon(() =>
      clock.soon(() => {
        this.#parkScheduled = false
        if (this.#state === 'running' && this.#onlyWaits()) this.#park()
      }),
    )
  }

  #onlyWaits(): boolean {
    const execution = this.#execution
    return execution?.onlyWaits === true && !this.#appender?.busy && !this.#inboxReader?.polling
  }

  #park(): void {
    const execution = this.#execution as Execution
    const appender = this.#appender as Appender
    if (appender.dirty) {
      appender.flush()
      return
    }
    this.#state = 'parked'
    const [uncertain] = execution.uncertain
    this.#end.resolve(
      uncertain
        ? { status: 'uncertain', call: uncertain[0], effect: uncertain[1].effect }
        : { status: 'parked', waits: [...execution.waits] },
    )
    this.#context.parked(this)
  }

  #wake(): void {
    if (this.#state !== 'parked') return
    this.#state = 'running'
    this.#end = Promise.withResolvers<StepEnd>()
    this.#end.promise.catch(() => {})
    this.#context.resumed(this)
  }

  #begin(writer: JournalWriter | undefined): void {
    const { storage, journals, clock, inbox } = this.#context
    const { id: step, principal, runId, retention } = this.spec
    const of = { user: principal.userId, step, isChild: runId !== undefined, ...(retention ? { retention } : {}) }
    const firstRecord = () => entryText({ t: 'started', h: hashJson(this.spec.input).slice(0, 32) })
    const journal = new OwnJournal({ storage, journals, clock, ...of, writer, firstRecord })
    this.#appender = new Appender({ clock, user: of.user, journal })
    this.#inboxReader = new InboxReader({
      inbox,
      ...of,
      appender: this.#appender,
      execution: () => (this.#execution?.dead || this.#execution?.returned ? undefined : this.#execution),
      arrived: () => this.#wake(),
      idle: () => this.onIdle(),
      crashed: (error) => this.crashed(error),
    })
  }

  async #live(content: JournalContent | undefined): Promise<void> {
    // Asked for while the journal was read or written.
    if (this.#stopReason) return this.#finish(stoppedEnd(this.#stopReason))
    if (this.#state === 'over') return
    const appender = this.#appender as Appender
    const { redact } = this.#context
    const record = logOf(content?.records ?? [])
    const checkLease = this.spec.runId === undefined ? undefined : this.#context.checkLease
    const options = { ...executionParts(this.#context), record, appender, checkLease, redact, host: this }
    const execution = new Execution(options)
    const turn = new Turn(execution)
    this.#execution = execution
    appender.attach({
      deliverable: () => execution.cursor.due,
      takeTurn: () => turn.take(),
      turnFailed: (rejection) => this.turnFailed(rejection),
      turnImpossible: (error) => this.turnImpossible(error),
      leaseLost: () => this.leaseLost(),
      crashed: (error) => this.crashed(error),
      idle: () => this.onIdle(),
    })
    if (content) await this.#inboxReader?.poll()
    if (execution.dead) return
    await this.#runProgram(execution, turn)
  }

  async #runProgram(execution: Execution, turn: Turn): Promise<void> {
    let end: { readonly value: Json } | { readonly thrown: unknown }
    const ended = Promise.withResolvers<void>()
    this.#code = ended.promise
    try {
      end = { value: (await this.#program(new StageRecorder(execution, turn, execution.root))) ?? null }
    } catch (thrown) {
      end = { thrown }
    }
    ended.resolve()
    if (execution.dead) return
    execution.returned = true
    await execution.effectsDone()
    if (execution.dead) return
    const { cursor, record } = execution
    const unread = record.unread(cursor.remaining, (id) => cursor.asked(id))
    if (unread !== undefined) return this.changed(`it ended without asking for ${unread}, which the record holds`)
    const unused = record.unused()
    if (unused !== undefined) return this.fail(failure('effect.unused', { effect: unused, step: this.spec.id }))
    const rejection = 'thrown' in end ? staleRejection(execution, end.thrown) : undefined
    rejection ? this.turnFailed(rejection) : turn.end(end)
  }

  /** A turn whose change was refused: its effects are recorded alone, and the code is entered again. */
  async #repeat(execution: Execution, rejection: Rejection): Promise<void> {
    const { journals, limits, clock, random } = this.#context
    const appender = this.#appender as Appender
    const attempt = execution.record.attempts + 1
    await this.#stopped(execution, [entryText({ t: 'turn.failed', attempt, code: rejection.code })])
    execution.end('parked')
    if (this.#state === 'over') return
    if (attempt >= limits.attempts) return this.#endAsFailed(neverCommitted(rejection, this.spec.id, attempt))
    const wait = limits.backoffMs * 2 ** (attempt - 1) * (0.5 + random.next())
    await sleep(clock, wait, this.#stopping.signal).catch(() => {})
    const content = await journals.load(this.spec.principal.userId, this.spec.id)
    if (!content || content.epoch !== appender.writer?.epoch) return this.#finish({ status: 'lost' })
    await this.#live(content)
  }

  /** For how long code that ignores its signal holds the step, ms. */
  get #unwindMs(): number {
    const { unwindMs } = this.#context.limits
    return this.#stopReason === 'cancelled' ? (this.spec.graceMs ?? unwindMs) : unwindMs
  }

  /** For so long only where the step is given up. */
  #effectsDone(execution: Execution): Promise<void> {
    return waitAtMost(this.#context.clock, this.#unwindMs, execution.effectsDone(), this.#stopping.signal)
  }

  /** What was started is awaited and recorded, without the turn. */
  async #stopped(execution: Execution, more: readonly string[] = []): Promise<void> {
    const appender = this.#appender as Appender
    await appender.stop()
    await this.#effectsDone(execution)
    const rejection = await appender.appendAlone(more)
    if (rejection?.code === 'journal.lost') await this.#afterLoss(execution)
    else if (rejection) throw failure(rejection.code, { ...rejection.detail })
  }

  async #recordAlone(execution: Execution): Promise<void> {
    try {
      const isRestarted = this.spec.restarted && this.#stopReason === 'closed'
      await this.#stopped(execution, isRestarted ? [entryText({ t: 'stopped' })] : [])
      if (this.#stopReason === 'cancelled') await waitAtMost(this.#context.clock, this.#unwindMs, this.#code)
      this.#finish(stoppedEnd(this.#stopReason ?? 'cancelled'))
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Lost to a cancel, results of effects are still recorded; lost to another writer, nothing is. */
  async #afterLoss(execution: Execution): Promise<void> {
    if (this.#state === 'over') return
    const { journals } = this.#context
    const appender = this.#appender as Appender
    const { writer } = appender
    await appender.stop()
    const content = await journals.load(this.spec.principal.userId, this.spec.id)
    // A journal that was fenced before it began holds no claims: there is nothing to record.
    const isCancelled = content?.fenced !== undefined && (!writer || content.fenced === writer.epoch)
    if (!isCancelled) return this.#finish({ status: 'lost' })
    await this.#effectsDone(execution)
    const rejection = writer ? await appender.appendAlone([], true) : undefined
    this.#finish(rejection ? { status: 'lost' } : { status: 'cancelled' })
  }

  async #endAsFailed(error: TroupeError): Promise<void> {
    if (this.#state === 'over') return
    const appender = this.#appender as Appender
    const record = this.#execution?.record ?? new StepRecord()
    const options = { ...executionParts(this.#context), record, appender, host: this, before: this.#execution }
    const execution = new Execution(options)
    const turn = new Turn(execution)
    this.#execution = execution
    execution.returned = true
    appender.attach({
      deliverable: () => false,
      takeTurn: () => turn.take(),
      turnFailed: (rejection) => this.crashed(failure(rejection.code, { ...rejection.detail })),
      turnImpossible: (thrown) => this.crashed(thrown),
      leaseLost: () => this.leaseLost(),
      crashed: (thrown) => this.crashed(thrown),
      idle: () => {},
    })
    turn.end({ thrown: error })
  }

  #listen(): void {
    const { signal } = this.spec
    if (!signal) return
    const abort = () => void this.stop('cancelled')
    if (signal.aborted) this.#stopReason ??= 'cancelled'
    signal.addEventListener('abort', abort, { once: true })
    this.#unlisten = () => signal.removeEventListener('abort', abort)
  }

  #over(): void {
    this.#state = 'over'
    this.#unlisten()
    this.#context.over(this)
  }

  #finish(end: StepEnd): void {
    if (this.#state === 'over') return
    if (end.status !== 'completed' && end.status !== 'failed') this.#execution?.end('parked')
    this.#over()
    this.#end.resolve(end)
  }

  #fail(error: unknown): void {
    if (this.#state === 'over') return
    this.#over()
    this.#end.reject(error)
  }
}
