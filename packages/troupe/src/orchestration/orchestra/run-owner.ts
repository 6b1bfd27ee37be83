/**
 * The one writer of a run's journal: takes in what happened, lets the core decide, commits input and events with all
 * that follows from them in one change, and then carries out what is new. It keeps nothing that the journal doesn't
 * hold: losing it at any moment loses nothing.
 */
import { failure, type Json, type StoredError, storeError, TroupeError, type UserId } from '../../core/index.ts'
import type { JournalWriter, StepEnd } from '../../durable/index.ts'
import type { Statement } from '../../storage/index.ts'
import { commandsOf } from '../core/commands.ts'
import type { Command, Event, Input, Pinned } from '../core/model.ts'
import { pending } from '../core/pending.ts'
import { resultOf, standingOf } from '../core/result.ts'
import { saveState } from '../core/snapshot.ts'
import type { State } from '../core/state.ts'
import { answerParent } from './answer-parent.ts'
import { parentOf } from './parent.ts'
import type { OrchestraParts } from './parts.ts'
import type { NumberedEvent } from './run-event.ts'
import { stepJournal } from './run-journals.ts'
import type { StepLauncher } from './step-launcher.ts'
import { type Follows, Taken } from './taken.ts'
import { inputOf, type Told, toJson } from './wire.ts'

interface Waiting {
  readonly make: (at: number) => Input
  /** Throws what is wrong with the input as things stand. */
  readonly check?: (state: State) => void
  readonly done?: (error?: unknown) => void
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
  readonly #waiting: Waiting[] = []
  readonly #observers = new Set<(events: readonly NumberedEvent[]) => void>()
  readonly #ended = new Set<string>()
  #lastSeq: number
  #lastAt: number
  #standing = ''
  #still: Json | undefined
  #arrived = false
  #pumping: Promise<void> | undefined
  #lost: unknown
  #brokenDown = false
  /** Of the writer before what is being taken in. */
  #mark: ReturnType<JournalWriter['mark']>

  constructor(parts: OrchestraParts, options: RunOwnerOptions) {
    this.#parts = parts
    this.user = options.user
    this.run = options.run
    this.pinned = options.pinned
    this.#writer = options.writer
    this.#mark = options.writer.mark()
    this.#launcher = options.launcher
    this.#state = options.state
    this.#lastSeq = options.lastSeq
    this.#lastAt = options.lastAt
  }

  /** The core's view; to be read only, and only between two awaits. */
  get state(): State {
    return this.#state
  }
  get over(): boolean {
    return this.#brokenDown || standingOf(this.#state).over
  }
  get lost(): boolean {
    return this.#lost !== undefined
  }

  /** Told of events once they are durable. */
  observe(observer: (events: readonly NumberedEvent[]) => void): () => void {
    this.#observers.add(observer)
    return () => void this.#observers.delete(observer)
  }

  /** The rows that follow from a run's first events, for the change that starts it. */
  beginning(events: readonly Event[]): readonly Statement[] {
    return this.#following(events.map((event) => ({ event, commands: commandsOf(this.#state, event) })))
  }

  /** The rows of a run that begins in the middle: what is pending, and how it stands. */
  founding(at: number): readonly Statement[] {
    return [...[...pending(this.#state)].flatMap((command) => this.#rowsOf(command)), ...this.#stood(at)]
  }

  /** The start is durable. */
  begin(events: readonly Event[]): void {
    this.#still = stillOf(this.#state, this.#lastAt)
    this.#tell(events.map((event, i) => ({ ...event, seq: i + 1 })))
    this.resume(pending(this.#state))
  }

  /** What is durable of the result, where the run is over or nothing in it can move. */
  stillResult(): Json | undefined {
    return this.#still
  }

  /** Carries out what is pending: after a take-over. */
  resume(commands: Iterable<Command>): void {
    this.#still = stillOf(this.#state, this.#lastAt)
    for (const command of commands) this.#carryOut(command)
    this.arrived()
  }

  /** Something was put into the run's inbox. */
  arrived(): void {
    this.#arrived = true
    this.#pump()
  }

  /** Resolves when the input is durable; rejects with what `check` says is wrong with it. */
  apply(make: (at: number) => Input, check?: (state: State) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: unknown) => (error === undefined ? resolve() : reject(error))
      this.#waiting.push({ make, done, ...(check ? { check } : {}) })
      this.#pump()
    })
  }

  /** Waits for what it has begun to commit. The run goes on under its next owner. */
  async close(): Promise<void> {
    this.#lost ??= failure('troupe.closed', { what: `Going on with run ${this.run}` })
    await this.#pumping
    this.#refuseWaiting()
  }

  #pump(): void {
    this.#pumping ??= this.#run().finally(() => {
      this.#pumping = undefined
      if (!this.#lost && (this.#arrived || this.#waiting.length > 0)) this.#pump()
    })
  }

  async #run(): Promise<void> {
    try {
      while (!this.#lost && (this.#arrived || this.#waiting.length > 0)) await this.#takeIn()
    } catch (error) {
      this.#lost ??= error
      this.#parts.log.error('a run stopped here', { run: this.run, error: error as Error })
      if (isElsewhere(error)) this.#parts.onLost(this.user, this.run)
      else await this.#breakDown(error)
    }
    if (this.#lost) this.#refuseWaiting()
  }

  async #takeIn(): Promise<void> {
    const { inbox, clock, storage } = this.#parts
    this.#arrived = false
    this.#mark = this.#writer.mark()
    const rows = await inbox.read(this.user, this.#writer.id, batch)
    if (rows.length === batch) this.#arrived = true
    const at = Math.max(this.#lastAt, clock.now())
    const inputs: Input[] = rows.map((row) => inputOf(row.body, at))
    const asked = this.#waiting.splice(0)
    const step = new Taken(this.#state, this.#lastSeq, this.#ended)
    for (const input of inputs) step.take(input)
    const answered: Waiting[] = []
    for (const waiting of asked)
      try {
        waiting.check?.(this.#state)
        step.take(waiting.make(at))
        answered.push(waiting)
      } catch (error) {
        // Only `check` throws a TroupeError; whatever else comes out of the core is a broken invariant of this run.
        if (!(error instanceof TroupeError)) throw error
        waiting.done?.(error)
      }
    const taken = rows.map((row) => row.id)
    const statements = [
      ...this.#recorded(step, at),
      ...(taken.length > 0 ? inbox.remove(this.user, this.#writer.id, taken).statements : []),
      ...this.#following(step.follows),
    ]
    if (statements.length > 0)
      try {
        const result = await storage.commit({
          id: null,
          scope: { user: this.user },
          statements,
          wake: this.over && parentOf(this.pinned) ? ['timers', 'steps', 'runs'] : ['timers', 'steps'],
        })
        if (!result.ok) throw failure('journal.lost', { journal: this.#writer.id, code: result.code })
      } catch (error) {
        for (const waiting of answered) waiting.done?.(error)
        throw error
      }
    this.#lastAt = at
    this.#lastSeq += step.events.length
    this.#still = stillOf(this.#state, at)
    for (const waiting of answered) waiting.done?.()
    this.#tell(step.events)
    for (const { commands } of step.follows) for (const command of commands) this.#carryOut(command)
  }

  /**
   * What will fail the same way however often it is tried (a full journal, a broken invariant) ends this run, and no
   * other: its journal stays as it was, for whoever looks into it.
   */
  async #breakDown(error: unknown): Promise<void> {
    const { journals, clock, store, storage } = this.#parts
    this.#writer.rewind(this.#mark)
    const reason =
      error instanceof TroupeError
        ? error
        : failure('invariant.broken', { rule: `run ${this.run} goes on` }, { cause: error })
    const account = {
      ...resultOf(this.#state, clock.now()),
      status: 'failed',
      success: false,
      error: storeError(reason),
    } as const
    const standing = { status: 'failed', reason: null, over: true, moving: false, result: JSON.stringify(account) }
    const steps = this.#launcher.steps()
    const statements = [
      ...store.stand(this.user, this.run, standing),
      ...this.#writer.prove().statements,
      ...journals.fence(
        this.user,
        steps.map((step) => stepJournal(this.run, step)),
      ).statements,
      ...journals.close(this.user, this.#writer.id).statements,
    ]
    const result = await storage.commit({ id: null, scope: { user: this.user }, statements }).catch(() => undefined)
    // Another owner has it, or nothing can be written: whoever takes it up next finds the same.
    if (!result?.ok) return this.#parts.onLost(this.user, this.run)
    this.#brokenDown = true
    this.#still = JSON.parse(JSON.stringify(account)) as Json
    for (const step of steps) void this.#launcher.cancel(step, storeError(reason))
    for (const observer of this.#observers) observer([])
  }

  /** The records, a snapshot where one is due, and what lists show. */
  #recorded(taken: Taken, at: number): readonly Statement[] {
    if (taken.records.length === 0) return []
    const statements = [...this.#writer.append(at, taken.records as unknown as Json[]).statements]
    if (this.#writer.snapshotDue())
      statements.push(
        ...this.#writer.snapshot({ state: saveState(this.#state), lastSeq: taken.lastSeq, lastAt: at } as Json)
          .statements,
      )
    return [...statements, ...this.#stood(at)]
  }

  #stood(at: number): readonly Statement[] {
    const { status, reason = null, over } = standingOf(this.#state)
    const key = JSON.stringify([status, reason, over])
    if (key === this.#standing && !over) return []
    this.#standing = key
    const moving = status === 'running'
    const result = moving ? null : JSON.stringify(resultOf(this.#state, at))
    const { store, journals } = this.#parts
    const rows = store.stand(this.user, this.run, { status, reason, over, moving, result })
    if (!over) return rows
    return [
      ...rows,
      ...journals.close(this.user, this.#writer.id).statements,
      ...answerParent(this.#parts, this.user, this.run, this.#state, at),
    ]
  }

  /**
   * Rows that follow from events, in the same change and in their order: a timer may be cleared and set again in one go.
   */
  #following(follows: readonly Follows[]): readonly Statement[] {
    return follows.flatMap(({ event, commands }) => [
      ...(event.type === 'timer.cleared'
        ? this.#parts.timers.clear(this.user, this.#writer.id, event.name).statements
        : []),
      ...commands.flatMap((command) => this.#rowsOf(command)),
    ])
  }

  #rowsOf(command: Command): readonly Statement[] {
    const { journals, steps, timers } = this.#parts
    switch (command.type) {
      case 'timer.set': {
        const body = toJson({ type: 'timer', name: command.name } satisfies Told)
        return timers.set(this.user, this.#writer.id, command.name, command.due, body).statements
      }
      case 'answer.deliver':
        return steps.answer(this.user, stepJournal(this.run, command.step), command.wait, command.answer).statements
      case 'step.cancel':
        return journals.fence(this.user, [stepJournal(this.run, command.step)]).statements
      case 'step.execute':
        return []
    }
  }

  #tell(events: readonly NumberedEvent[]): void {
    if (events.length === 0) return
    for (const observer of this.#observers) observer(events)
    for (const event of events) this.#parts.announce(this.user, this.run, event)
    if (!this.pinned.config.trace) return
    for (const { type, seq, ...rest } of events) {
      const { branch, step, agent } = rest as {
        readonly branch?: string
        readonly step?: string
        readonly agent?: string
      }
      this.#parts.log.info(type, { run: this.run, seq, branch, step, agent })
    }
  }

  #carryOut(command: Command): void {
    if (command.type === 'step.execute') this.#launcher.launch(command, (end) => this.#stepEnded(command.step, end))
    else if (command.type === 'step.cancel') void this.#cancel(command.step, command.reason)
    // The answer is in the step's inbox: a step that gave up its process is entered again for it.
    else if (command.type === 'answer.deliver') this.#launcher.wake(command.step)
  }

  #stepEnded(step: string, end: StepEnd): void {
    if (this.#lost || end.status === 'cancelled' || end.status === 'lost') return
    if (end.status === 'settled' || end.status === 'failed') this.arrived()
    else
      void this.apply((at) => ({ at, type: 'step.waiting', step, reason: end.status, detail: detailOf(end) })).catch(
        () => {},
      )
  }

  /** The fence is committed: what the step had settled before is in the inbox, and nothing more will come from it. */
  async #cancel(step: string, reason: StoredError): Promise<void> {
    await this.#launcher.cancel(step, reason)
    await this.#parts.children.cancelOf(this.user, stepJournal(this.run, step)).catch(() => {})
    this.#arrived = true
    await this.apply((at) => ({ at, type: 'step.failed', step, error: reason })).catch(() => {})
  }

  #refuseWaiting(): void {
    for (const waiting of this.#waiting.splice(0)) waiting.done?.(this.#lost)
  }
}

/** Another owner has the run, or the storage does not write: neither is the run's fault. */
const isElsewhere = (error: unknown): boolean =>
  error instanceof TroupeError &&
  (error.code.startsWith('storage.') || error.code === 'journal.lost' || error.code === 'troupe.closed')

/** What a step waits for, as its run keeps it. */
const detailOf = (end: StepEnd): Json => {
  if (end.status === 'parked') return [...end.waits]
  if (end.status === 'uncertain') return { effect: end.effect, call: end.call }
  return end.status === 'code.changed' ? { problem: end.problem } : null
}

/** The result as far as it is settled: none while something moves. */
const stillOf = (state: State, at: number): Json | undefined =>
  standingOf(state).status === 'running' ? undefined : (JSON.parse(JSON.stringify(resultOf(state, at))) as Json)
