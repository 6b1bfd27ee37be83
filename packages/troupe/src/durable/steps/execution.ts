/**
 * One step being carried out in this process: its lives one after another, until it is settled, given up, or parked.
 * Invariant: at most one life is alive, and only it appends.
 */
import { failure, hashJson, type Json, type StoredError, sleep, TroupeError } from '../../core/index.ts'
import type { JournalContent, JournalWriter } from '../journal-port.ts'
import type { Recorder } from '../recorder-port.ts'
import type { StepEnd, StepSpec } from '../steps-port.ts'
import { Appender, type Refusal } from './appender.ts'
import { atMost } from './at-most.ts'
import { Life, type LifeHost } from './life.ts'
import { entryText } from './log-entry.ts'
import { Mail } from './mail.ts'
import { StageRecorder } from './stage-recorder.ts'
import { endOf, givenUp, logOf, neverCommitted } from './step-end.ts'
import { StepLog, toldKey } from './step-log.ts'
import type { StepsContext } from './steps-context.ts'
import { Turn } from './turn.ts'

export type Program = (recorder: Recorder) => Promise<Json>
type State = 'running' | 'parked' | 'over'

export class Execution implements LifeHost {
  spec: StepSpec
  readonly #context: StepsContext
  readonly #program: Program
  #state: State = 'running'
  #end = Promise.withResolvers<StepEnd>()
  #life: Life | undefined
  #appender: Appender | undefined
  #mail: Mail | undefined
  #unlisten: () => void = () => {}
  readonly #stopping = new AbortController()
  #parkScheduled = false
  /** Settles with the code of the life that runs. */
  #code: Promise<void> = Promise.resolve()
  #giveUp: 'cancelled' | 'closed' | undefined

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

  get life(): Life | undefined {
    return this.#life
  }

  async enter(): Promise<void> {
    try {
      const { journals, clock } = this.#context
      const { id, principal, runId } = this.spec
      // Who was given up meanwhile takes no journal from its new owner.
      const asked = runId === undefined ? undefined : this.#context.mayAct?.()
      if (asked) await asked
      let content = await journals.load(principal.userId, id)
      let writer: JournalWriter | undefined
      if (content?.closed) return this.#finish(endOf(content))
      if (content) {
        const taken = await journals.takeOver(principal.userId, id, clock.now())
        content = taken.content
        writer = taken.writer
      }
      if (this.#giveUp) return this.#finish(givenUp(this.#giveUp))
      this.#begin(writer)
      await this.#live(content)
    } catch (error) {
      if (error instanceof TroupeError && error.code === 'journal.lost') this.#finish({ status: 'lost' })
      else this.#fail(error)
    }
  }

  /** Executed again while its continuation is kept. */
  resume(spec: StepSpec): void {
    this.#unlisten()
    this.spec = spec
    this.#listen()
    this.#wake()
    void this.#mail?.look()
  }

  /** Something may be in its inbox. */
  arrived(): void {
    if (this.#state === 'parked' && this.spec.goesOn?.() === false) return
    void this.#mail?.look()
  }

  /** The continuation is dropped: `finally` does not run, the old `ctx` is dead. */
  drop(): void {
    this.#over()
    this.#life?.end('parked')
  }

  /** Aborts what runs, awaits its effects and records them. */
  async stop(why: 'cancelled' | 'closed'): Promise<void> {
    if (this.#state === 'over') return
    this.#giveUp ??= why
    this.#stopping.abort()
    const life = this.#life
    this.#wake()
    const over = life?.dead !== false
    if (why === 'cancelled') life?.end(failure('cancelled', { what: `The step ${this.spec.id}` }), true)
    else life?.end('parked')
    if (over) return void (await this.#end.promise.catch(() => {}))
    await this.#recordAlone(life)
  }

  /** Its user is forgotten: nothing more of it is written, whatever of its code still runs. */
  async forget(): Promise<void> {
    this.#finish({ status: 'lost' })
    this.#stopping.abort()
    await this.#appender?.stop()
  }

  turnFailed(refusal: Refusal): void {
    const life = this.#life as Life
    // Whoever ended it awaits the append and records what is left.
    if (life.dead) return
    life.end() // Effects of tool calls beside it go on: what they bring is kept.
    void this.#repeat(life, refusal).catch((error: unknown) => this.#fail(error))
  }

  turnImpossible(error: unknown): void {
    this.fail(
      error instanceof TroupeError
        ? error
        : failure('validation.failed', { what: 'A staged write', problem: String(error) }),
    )
  }

  lost(): void {
    const life = this.#life as Life
    if (life.dead) return
    life.end(failure('journal.lost', { journal: this.spec.id }))
    void this.#afterLoss(life).catch((error: unknown) => this.#fail(error))
  }

  broken(error: unknown): void {
    this.#life?.end(error)
    this.#fail(error)
  }

  changed(problem: string): void {
    const life = this.#life as Life
    if (life.dead) return
    const other = life.log.inputHash !== undefined && life.log.inputHash !== hashJson(this.spec.input).slice(0, 32)
    const full = other ? `${problem}; and its input is another` : problem
    life.end(failure('code.changed', { step: this.spec.id, problem: full }))
    void this.#stopped(life).then(
      () => this.#finish({ status: 'code.changed', problem: full }),
      (error: unknown) => this.#fail(error),
    )
  }

  fail(error: TroupeError): void {
    const life = this.#life as Life
    if (life.dead) return
    life.end(error)
    void this.#stopped(life)
      .then(() => this.#settleFailed(error))
      .catch((thrown: unknown) => this.#fail(thrown))
  }

  settled(end: { readonly value: Json } | { readonly error: StoredError }): void {
    this.#life?.end()
    this.#finish('value' in end ? { status: 'settled', outcome: end.value } : { status: 'failed', error: end.error })
  }

  /** Looks a little later: code that was just answered may be about to call. */
  quiet(): void {
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
    const life = this.#life
    if (!life || life.dead || life.returned || this.#appender?.busy || this.#mail?.looking) return false
    if (life.waits.size + life.uncertain.size === 0) return false
    return !life.delivery.busy && life.working === 0 && life.running.size === 0
  }

  #park(): void {
    const life = this.#life as Life
    const appender = this.#appender as Appender
    const waits = [...life.waits]
    if (this.spec.parked && waits.length > 0 && life.uncertain.size === 0 && life.log.told !== toldKey(waits)) {
      life.log.told = toldKey(waits)
      appender.add(entryText({ t: 'parked', waits }), this.spec.parked(waits))
    }
    if (appender.dirty) {
      appender.flush()
      return
    }
    this.#state = 'parked'
    const [uncertain] = life.uncertain
    this.#end.resolve(
      uncertain
        ? { status: 'uncertain', call: uncertain[0], effect: uncertain[1].effect }
        : { status: 'parked', waits },
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
    const { id: step, principal, runId, kept } = this.spec
    const of = { user: principal.userId, step, below: runId !== undefined }
    const entered = () => entryText({ t: 'entered', h: hashJson(this.spec.input).slice(0, 32) })
    this.#appender = new Appender({ storage, journals, clock, ...of, ...(kept ? { kept } : {}), writer, entered })
    this.#mail = new Mail({
      inbox,
      ...of,
      appender: this.#appender,
      life: () => (this.#life?.dead || this.#life?.returned ? undefined : this.#life),
      arrived: () => this.#wake(),
      idle: () => this.quiet(),
      broken: (error) => this.broken(error),
    })
  }

  async #live(content: JournalContent | undefined): Promise<void> {
    const appender = this.#appender as Appender
    const { clock, timers, inside, limits, uncertain, redact } = this.#context
    const log = logOf(content?.records ?? [])
    const mayAct = this.spec.runId === undefined ? undefined : this.#context.mayAct
    const life = new Life({ clock, timers, uncertain, inside, limits, log, appender, mayAct, redact, host: this })
    const turn = new Turn(life)
    this.#life = life
    appender.attach({
      deliverable: () => life.delivery.deliverable,
      takeTurn: () => turn.take(),
      turnFailed: (refusal) => this.turnFailed(refusal),
      turnImpossible: (error) => this.turnImpossible(error),
      lost: () => this.lost(),
      broken: (error) => this.broken(error),
      idle: () => this.quiet(),
    })
    if (content) await this.#mail?.look()
    if (life.dead) return
    await this.#runProgram(life, turn)
  }

  async #runProgram(life: Life, turn: Turn): Promise<void> {
    let end: { readonly value: Json } | { readonly thrown: unknown }
    const ended = Promise.withResolvers<void>()
    this.#code = ended.promise
    try {
      end = { value: (await this.#program(new StageRecorder(life, turn, life.root))) ?? null }
    } catch (thrown) {
      end = { thrown }
    }
    ended.resolve()
    if (life.dead) return
    life.returned = true
    await life.effectsDone()
    if (life.dead) return
    const { delivery, log } = life
    const unread = log.unread(delivery.items.slice(delivery.head), (id) => delivery.asked(id))
    if (unread !== undefined) return this.changed(`it ended without asking for ${unread}, which the record holds`)
    const unused = log.unused()
    if (unused !== undefined) return this.fail(failure('effect.unused', { effect: unused, step: this.spec.id }))
    turn.end(end)
  }

  /** A turn whose change was refused: its effects are recorded alone, and the code is entered again. */
  async #repeat(life: Life, refusal: Refusal): Promise<void> {
    const { journals, limits, clock, random } = this.#context
    const appender = this.#appender as Appender
    const attempt = life.log.attempts + 1
    await this.#stopped(life, [entryText({ t: 'turn.failed', attempt, code: refusal.code })])
    life.end('parked')
    if (this.#state === 'over') return
    if (attempt >= limits.attempts) return this.#settleFailed(neverCommitted(refusal, this.spec.id, attempt))
    const wait = limits.backoffMs * 2 ** (attempt - 1) * (0.5 + random.next())
    await sleep(clock, wait, this.#stopping.signal).catch(() => {})
    if (this.#giveUp) return this.#finish(givenUp(this.#giveUp))
    const content = await journals.load(this.spec.principal.userId, this.spec.id)
    if (!content || content.epoch !== appender.writer?.epoch) return this.#finish({ status: 'lost' })
    await this.#live(content)
  }

  /** For so long only where the step is given up. */
  #effectsDone(life: Life): Promise<void> {
    const { clock, limits } = this.#context
    return atMost(clock, limits.unwindMs, life.effectsDone(), this.#stopping.signal)
  }

  /** What was started is awaited and recorded, without the turn. */
  async #stopped(life: Life, more: readonly string[] = []): Promise<void> {
    const appender = this.#appender as Appender
    await appender.stop()
    await this.#effectsDone(life)
    const refusal = await appender.appendAlone(more)
    if (refusal?.code === 'journal.lost') await this.#afterLoss(life)
    else if (refusal) throw failure(refusal.code, { ...refusal.detail })
  }

  async #recordAlone(life: Life): Promise<void> {
    try {
      await this.#stopped(life)
      const { clock, limits } = this.#context
      if (this.#giveUp === 'cancelled') await atMost(clock, limits.unwindMs, this.#code)
      this.#finish(givenUp(this.#giveUp ?? 'cancelled'))
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Lost to a cancel, results of effects are still recorded; lost to another writer, nothing is. */
  async #afterLoss(life: Life): Promise<void> {
    if (this.#state === 'over') return
    const { journals } = this.#context
    const appender = this.#appender as Appender
    const { writer } = appender
    await appender.stop()
    const content = await journals.load(this.spec.principal.userId, this.spec.id)
    if (!content || content.fenced === undefined || (writer && content.fenced !== writer.epoch)) {
      // A journal that was fenced before it began holds no claims: there is nothing to record.
      const cancelled = content?.fenced !== undefined && !writer
      return this.#finish(cancelled ? { status: 'cancelled' } : { status: 'lost' })
    }
    await this.#effectsDone(life)
    const refusal = writer ? await appender.appendAlone([], true) : undefined
    this.#finish(refusal ? { status: 'lost' } : { status: 'cancelled' })
  }

  async #settleFailed(error: TroupeError): Promise<void> {
    if (this.#state === 'over') return
    const appender = this.#appender as Appender
    const { clock, timers, inside, limits, uncertain } = this.#context
    const log = this.#life?.log ?? new StepLog()
    const life = new Life({ clock, timers, uncertain, inside, limits, log, appender, host: this, before: this.#life })
    const turn = new Turn(life)
    this.#life = life
    life.returned = true
    appender.attach({
      deliverable: () => false,
      takeTurn: () => turn.take(),
      turnFailed: (refusal) => this.broken(failure(refusal.code, { ...refusal.detail })),
      turnImpossible: (thrown) => this.broken(thrown),
      lost: () => this.lost(),
      broken: (thrown) => this.broken(thrown),
      idle: () => {},
    })
    turn.end({ thrown: error })
  }

  #listen(): void {
    const { signal } = this.spec
    if (!signal) return
    const abort = () => void this.stop('cancelled')
    if (signal.aborted) this.#giveUp ??= 'cancelled'
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
    if (end.status !== 'settled' && end.status !== 'failed') this.#life?.end('parked')
    this.#over()
    this.#end.resolve(end)
  }

  #fail(error: unknown): void {
    if (this.#state === 'over') return
    this.#over()
    this.#end.reject(error)
  }
}
