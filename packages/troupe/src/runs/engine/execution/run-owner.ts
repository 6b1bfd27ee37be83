/**
 * The one writer of a run's journal: takes in what happened, lets the core decide, commits input and events with all
 * that follows from them in one change, and then carries out what is new. It keeps nothing that the journal doesn't
 * hold: losing it at any moment loses nothing.
 */
import { failure, type StoredError, TimeSlice, type UserId } from '../../../core/index.ts'
import type { JournalWriter, StepEnd, StepSpec } from '../../../journal/index.ts'
import type { Statement } from '../../../storage/index.ts'
import { pathsOf } from '../../machine/labels/agent-path.ts'
import type { Command, Event, Input, Pinned } from '../../machine/machine-events.ts'
import { pending } from '../../machine/pending.ts'
import { deriveStatus } from '../../machine/run/run-account.ts'
import type { State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import { drawBudget } from '../budgets/draw-budget.ts'
import { cancelChildren } from '../children/cancel-children.ts'
import { notifyRelatedRuns, reportToParent } from '../children/notify-related-runs.ts'
import { type RunMessage, waitOf } from '../commands/run-message.ts'
import type { EventWithPath } from '../events/run-event.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { stepJournal, traceIdOf } from '../store/run-journals.ts'
import { applyRow } from './apply-row.ts'
import { failFatally, isOwnedByOther } from './fail-fatally.ts'
import { readCommittedState } from './fold-run.ts'
import { InputBatch } from './input-batch.ts'
import { logRunEvents } from './log-run-events.ts'
import { recordInputs } from './record-inputs.ts'
import { rowsForCommands, rowsOf, setsTimers } from './rows-for-commands.ts'
import { type ClaimedRun, RunGaps } from './run-gaps.ts'
import { RunStatusRows } from './run-status-rows.ts'
import { type Ended, isReleased, retryDelayMs, type StepLauncher } from './steps/step-launcher.ts'

interface Waiting {
  /** Nothing: only that the run is still this owner's. */
  readonly make: (at: number) => Input | undefined
  readonly done: (error?: unknown) => void
}

export interface RunOwnerOptions {
  readonly user: UserId
  readonly run: string
  readonly writer: JournalWriter
  readonly state: State
  readonly pinned: Pinned
  readonly launcher: StepLauncher
  /** Of the newest event. */
  readonly lastSeq: number
  readonly lastAt: number
  readonly claimed?: ClaimedRun
}

const batch = 200

export class RunOwner {
  readonly user: UserId
  readonly run: string
  readonly pinned: Pinned
  readonly #parts: OrchestraParts
  readonly #writer: JournalWriter
  readonly #launcher: StepLauncher
  readonly #state: State
  readonly #trace: string
  readonly #waiting: Waiting[] = []
  readonly #observers = new Set<(events: readonly EventWithPath[]) => void>()
  readonly #ended = new Set<string>()
  #lastSeq: number
  #lastAt: number
  readonly #status: RunStatusRows
  #arrived = false
  #pumping: Promise<void> | undefined
  #lost: unknown
  #failedFatally = false
  readonly #gaps: RunGaps
  /** Of the writer before what is being taken in. */
  #mark: ReturnType<JournalWriter['mark']>

  constructor(parts: OrchestraParts, options: RunOwnerOptions) {
    this.#parts = parts
    this.user = options.user
    this.run = options.run
    this.#trace = traceIdOf(options.user, options.run)
    this.pinned = options.pinned
    this.#writer = options.writer
    this.#mark = options.writer.mark()
    this.#status = new RunStatusRows(parts)
    this.#launcher = options.launcher
    this.#state = options.launcher.observeState(options.state)
    this.#lastSeq = options.lastSeq
    this.#lastAt = options.lastAt
    this.#gaps = new RunGaps(parts.suspendedMs, options.claimed)
  }

  /** The core's view; to be read only, and only between two awaits. */
  get state(): State {
    return this.#state
  }
  get over(): boolean {
    return this.#failedFatally || deriveStatus(this.#state).over
  }
  get lost(): boolean {
    return this.#lost !== undefined
  }
  get works(): boolean {
    return deriveStatus(this.#state).status === 'running'
  }
  /** Nothing in it moves without a person, and it holds no code that child runs need. */
  get waits(): boolean {
    return deriveStatus(this.#state).status === 'waiting' && viewOf(this.#state).externalSteps === 0
  }
  get isResting(): boolean {
    return this.waits && !this.#pumping && this.#waiting.length === 0
  }

  observe(observer: (events: readonly EventWithPath[]) => void): () => void {
    this.#observers.add(observer)
    return () => void this.#observers.delete(observer)
  }

  /** The rows that follow from a run's first events, for the change that starts it. */
  beginning(commands: readonly Command[]): readonly Statement[] {
    const rows = rowsForCommands(this.#parts, this.#at, commands)
    // One that a breakpoint stops before its first step waits from the start.
    return this.works ? rows : [...rows, ...this.#status.rows(this.#at, this.#lastAt), ...this.#reportStart()]
  }

  /** The rows of a run that begins in the middle: what is pending, and how it stands. */
  founding(at: number): readonly Statement[] {
    return [
      ...[...pending(this.#state)].flatMap((command) => rowsOf(this.#parts, this.#at, command)),
      ...this.#status.rows(this.#at, at),
      ...this.#reportStart(),
    ]
  }

  #reportStart(): readonly Statement[] {
    const before = { status: 'running', over: false } as const
    return reportToParent(this.#parts, this, { before, isAsked: true, commands: [], name: `${this.#lastSeq}` })
  }

  /** The start is durable. @param entry of its steps: `first`, unless the run is a fork */
  begin(events: readonly Event[], entry?: StepSpec['entry']): void {
    const paths = pathsOf(events)
    const first = events.map((event, i) => ({ ...event, seq: i + 1, path: paths[i] ?? [] }))
    this.#notify(first)
    for (const event of first) this.#parts.announce(this.user, this.run, this.#trace, event)
    this.resume(pending(this.#state), entry)
  }

  /** Carries out what is pending. @param entry of the steps that are at work; none after a fork */
  resume(commands: Iterable<Command>, entry?: StepSpec['entry']): void {
    for (const command of commands) this.#carryOut(command, entry)
    this.arrived()
  }

  /** Something was put into the run's inbox. */
  arrived(): void {
    this.#arrived = true
    this.#pump()
  }

  /** Resolves when the input is durable. */
  apply(make: Waiting['make']): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: unknown) => (error === undefined ? resolve() : reject(error))
      this.#waiting.push({ make, done })
      this.#pump()
    })
  }

  /** Waits for what it has begun to commit. The run goes on under its next owner. */
  async close(): Promise<void> {
    this.#lost ??= failure('troupe.closed', { what: `Going on with run ${this.run}` })
    await this.#pumping
  }

  #pump(): void {
    this.#pumping ??= this.#run().finally(() => {
      this.#pumping = undefined
      if (this.#hasWork) this.#pump()
      else this.#rejectWaiting()
    })
  }

  async #run(): Promise<void> {
    try {
      while (this.#hasWork) await this.#drainInbox()
    } catch (error) {
      this.#lost ??= error
      this.#parts.log.error('a run stopped here', { run: this.run, error: error as Error })
      if (isOwnedByOther(error)) this.#parts.onOwnershipLost(this, error.code === 'journal.lost')
      else await this.#breakDown(error)
    }
  }

  /** A run that is over takes in nothing. */
  get #hasWork(): boolean {
    return !this.#lost && !this.over && (this.#arrived || this.#waiting.length > 0)
  }

  async #drainInbox(): Promise<void> {
    this.#arrived = false
    const asked = this.#waiting.splice(0)
    try {
      await this.#applyRows(asked)
    } catch (error) {
      for (const { done } of asked) done(error)
      throw error
    }
    for (const { done } of asked) done()
  }

  async #applyRows(asked: readonly Waiting[]): Promise<void> {
    const { inbox, clock, storage } = this.#parts
    this.#mark = this.#writer.mark()
    const rows = await inbox.read(this.user, this.#writer.id, batch)
    if (rows.length === batch) this.#arrived = true
    const at = Math.max(this.#lastAt, clock.now())
    const step = new InputBatch(this.#state, this.#lastSeq, this.#ended)
    const before = deriveStatus(this.#state)
    const gap = this.#gaps.next(at)
    if (gap) step.add(gap)
    const slice = new TimeSlice(clock)
    const rowStatements: Statement[] = []
    for (const row of rows) {
      rowStatements.push(...applyRow(this.#parts, { ...this.#at, gaps: this.#gaps }, step, row.body as RunMessage, at))
      if (slice.isOver) await slice.renew()
    }
    const inputs: (Input | undefined)[] = []
    // Each is made of the state that those before it have left.
    for (const { make } of asked) {
      const input = make(at)
      if (input) step.add(input)
      inputs.push(input)
      if (slice.isOver) await slice.renew()
    }
    const rowIds = rows.map((row) => row.id)
    const isAsked = rows.some(({ body }) => (body as RunMessage).type === 'resume')
    const others = [
      ...(await notifyRelatedRuns(this.#parts, this, step.commands)),
      ...reportToParent(this.#parts, this, {
        before,
        isAsked,
        commands: step.commands,
        name: `${step.lastSeq} ${rowIds.at(-1) ?? ''}`,
      }),
    ]
    // What changes nothing is refused, or taken out, by the state of whoever surely has the run.
    const proves = step.records.length === 0 && (rows.length > 0 || inputs.includes(undefined))
    const statements = [
      ...(proves ? this.#writer.prove().statements : await this.#recorded(step, at, slice)),
      ...rowStatements,
      ...(rowIds.length > 0 ? inbox.remove(this.user, this.#writer.id, rowIds).statements : []),
      ...rowsForCommands(this.#parts, this.#at, step.commands),
      ...others,
    ]
    if (statements.length > 0) {
      const wake = rowStatements.length > 0 || setsTimers(step.commands) ? (['timers'] as const) : []
      const result = await storage.commit({ id: null, scope: { user: this.user }, statements, wake })
      if (!result.ok) throw failure(result.code, { journal: this.#writer.id, ...result.detail })
    }
    this.#lastAt = at
    this.#lastSeq += step.events.length
    this.#notify(step.events)
    for (const event of step.events) {
      if (step.isLong && slice.isOver) await slice.renew()
      this.#parts.announce(this.user, this.run, this.#trace, event)
    }
    if (step.events.length === 0 && rowStatements.length > 0) for (const observer of this.#observers) observer([])
    for (const command of step.commands) {
      if (step.isLong && slice.isOver) await slice.renew()
      this.#carryOut(command, 'step' in command && step.started.has(command.step) ? 'first' : undefined)
    }
  }

  async #breakDown(error: unknown): Promise<void> {
    this.#writer.rewind(this.#mark)
    const state = (await readCommittedState(this.#parts.journals, this.user, this.#writer.id)) ?? this.#state
    const at = { user: this.user, run: this.run, pinned: this.pinned, state, writer: this.#writer }
    const steps = this.#launcher.steps()
    const { account, statements } = await failFatally(this.#parts, at, steps, error)
    const change = { id: null, scope: { user: this.user }, statements }
    const written = await this.#parts.storage.commit(change).catch(() => undefined)
    // Another owner has it, or nothing can be written: whoever takes it up next finds the same.
    if (!written?.ok) return this.#parts.onOwnershipLost(this, written?.code === 'journal.lost')
    this.#failedFatally = true
    for (const step of steps) void this.#cancel(step, account.error)
    for (const observer of this.#observers) observer([])
  }

  /** The records, a snapshot where one is due, and what lists show. */
  async #recorded(inputs: InputBatch, at: number, slice: TimeSlice): Promise<readonly Statement[]> {
    if (inputs.records.length === 0) return []
    return [
      ...(await recordInputs(this.#writer, this.#state, inputs, { at, slice })),
      ...this.#status.rows(this.#at, at),
    ]
  }

  get #at() {
    return { user: this.user, run: this.run, state: this.#state, journal: this.#writer.id }
  }

  #notify(events: readonly EventWithPath[]): void {
    if (events.length === 0) return
    for (const observer of this.#observers) observer(events)
    if (this.pinned.config.trace) logRunEvents(this.#parts.log, this.run, events)
  }

  #carryOut(command: Command, entry?: StepSpec['entry']): void {
    if (command.type === 'step.execute') this.#launch(command, entry)
    else if (command.type === 'budget.draw') drawBudget(this.#parts, this, command)
    else if (command.type === 'children.cancel') void cancelChildren(this.#parts, this)
    else if (command.type === 'step.cancel') void this.#cancel(command.step, command.reason)
    // The answer is in the step's inbox: a step that gave up its process is entered again for it.
    else if (command.type === 'answer.deliver') this.#launcher.wake(command.step)
    else if (command.type === 'parked.resume') this.#resumeParked()
  }

  #resumeParked(): void {
    for (const step of this.#launcher.resumeParked())
      void this.apply((at) => ({ at, type: 'step.resumed', step })).catch(() => {})
  }

  #launch(command: Extract<Command, { readonly type: 'step.execute' }>, entry?: StepSpec['entry']): void {
    const { step } = command
    // A step that waits does nothing that could end its process.
    const isAtWork = viewOf(this.#state).step(step)?.status === 'running'
    const ended: Ended = (end, usage) => {
      if (isReleased(end)) this.#launchLater(step)
      else if (end.status === 'broken') this.#fail(end.error)
      else this.#stepEnded({ step, usage }, end)
    }
    this.#launcher.launch(command, ended, isAtWork ? entry : undefined)
  }

  /** Where the run is still this owner's: whoever had it before wrote to the step's journal at the last moment. */
  #launchLater(step: string): void {
    const relaunch = () => {
      for (const command of pending(this.#state))
        if (command.type === 'step.execute' && command.step === step) this.#launch(command)
    }
    this.#wakeAfter(step, () => void this.apply(() => undefined).then(relaunch, () => {}))
  }

  #fail(error: unknown): void {
    void this.apply(() => {
      throw error
    }).catch(() => {})
  }

  #stepEnded(step: Parameters<typeof waitOf>[0], end: StepEnd): void {
    if (this.#lost || end.status === 'cancelled' || end.status === 'lost') return
    if (end.status === 'completed' || end.status === 'failed') void this.#readMissing(step.step)
    else void this.apply((at) => waitOf(step, end, at)).catch(() => {})
  }

  /** The hint of the change that ended a step comes before this; where it was lost with the answer, the end is looked for. */
  async #readMissing(step: string): Promise<void> {
    await this.#pumping
    if (viewOf(this.#state).step(step)) this.arrived()
  }

  /** The fence is committed: what the step had settled before is in the inbox, and nothing more will come from it. */
  async #cancel(step: string, reason: StoredError, usage = this.#launcher.usageOf(step)): Promise<void> {
    const journal = stepJournal(this.run, step)
    try {
      await this.#launcher.cancel(step, reason)
      await this.#parts.steps.markUncertain(this.user, journal)
    } catch (error) {
      if (this.#lost) return
      this.#parts.log.error('a step could not be stopped', { run: this.run, step, error: error as Error })
      this.#wakeAfter(step, () => void this.#cancel(step, reason, usage))
      return
    }
    await this.#parts.children.cancelOf(this.user, journal).catch(() => {})
    this.#arrived = true
    const spent = usage ? { usage } : {}
    await this.apply((at) => ({ at, type: 'step.failed', step, error: reason, ...spent })).catch(() => {})
  }

  #wakeAfter(step: string, run: () => void): void {
    this.#parts.wakeups.set(`${this.user} ${stepJournal(this.run, step)} of the run`, retryDelayMs, run)
  }

  #rejectWaiting(): void {
    if (this.#waiting.length === 0) return
    const error = this.#lost ?? failure('run.over', { run: this.run, status: deriveStatus(this.#state).status })
    for (const { done } of this.#waiting.splice(0)) done(error)
  }
}
