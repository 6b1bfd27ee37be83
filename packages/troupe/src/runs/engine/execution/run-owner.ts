/**
 * A run in the process that owns it. It accepts inputs, one change after the other, and then executes the new commands. It has
 * no state that the journal does not have, so a crash at any time loses nothing.
 */
import { failure, nextMacrotask, TimeSlice, type WorkInParts } from '../../../core/index.ts'
import type { StepSpec } from '../../../journal/index.ts'
import type { CommitResult, Fragment, Statement } from '../../../storage/index.ts'
import { pathsOf } from '../../machine/labels/agent-path.ts'
import type { Command, Event, Pinned } from '../../machine/machine-events.ts'
import { pending } from '../../machine/pending.ts'
import { deriveStatus } from '../../machine/run/run-account.ts'
import type { State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import { inputOf, type RunMessage } from '../commands/run-message.ts'
import type { EventWithPath } from '../events/run-event.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { isOwnedByOther } from './fail-fatally.ts'
import { answerEnds, type PendingEnd, rejectedEnd } from './inputs/pending-ends.ts'
import { PendingInputs, type PendingRequest } from './inputs/pending-inputs.ts'
import { RunObservers } from './run-observers.ts'
import { type RunChange, RunLimitDue, RunWriter, type RunWriterOptions } from './run-writer.ts'
import { RunSteps } from './steps/run-steps.ts'
import type { StepLauncher } from './steps/step-launcher.ts'

export interface RunOwnerOptions extends RunWriterOptions {
  readonly launcher: StepLauncher
}

const batch = 200

export class RunOwner {
  readonly #parts: OrchestraParts
  readonly #writer: RunWriter
  readonly #steps: RunSteps
  readonly #pending = new PendingInputs()
  readonly #observers: RunObservers
  #pumping: Promise<void> | undefined
  #lost: unknown
  #failedFatally = false

  constructor(parts: OrchestraParts, { launcher, ...options }: RunOwnerOptions) {
    this.#parts = parts
    this.#writer = new RunWriter(parts, options)
    this.#observers = new RunObservers(parts, options)
    this.#steps = new RunSteps(parts, this, launcher)
    this.#steps.observeState(options.state)
  }

  get user(): string {
    return this.#writer.user
  }
  get run(): string {
    return this.#writer.run
  }
  get pinned(): Pinned {
    return this.#writer.pinned
  }
  /** The state of the machine; read-only, and valid only until the next await. */
  get state(): State {
    return this.#writer.state
  }
  get over(): boolean {
    return this.#failedFatally || deriveStatus(this.state).over
  }
  get lost(): boolean {
    return this.#lost !== undefined
  }
  get works(): boolean {
    return deriveStatus(this.state).status === 'running'
  }
  /** True if the run waits for a person and has no code that child runs need. */
  get waits(): boolean {
    return deriveStatus(this.state).status === 'waiting' && viewOf(this.state).externalSteps === 0
  }
  get isResting(): boolean {
    return this.waits && !this.#pumping && !this.#pending.hasRequests && this.#pending.ends.isEmpty
  }

  observe(observer: (events: readonly EventWithPath[]) => void): () => void {
    return this.#observers.observe(observer)
  }

  /** Returns the rows of the run's first events, for the change that starts it. */
  beginning(commands: readonly Command[]): WorkInParts<readonly Statement[]> {
    return this.#writer.beginning(commands)
  }

  /** Returns the rows of a fork: its pending commands and its status. */
  founding(at: number): WorkInParts<readonly Statement[]> {
    return this.#writer.founding(at)
  }

  /** The start is durable. @param entry how its steps begin: `first`, unless the run is a fork */
  begin(events: readonly Event[], entry?: StepSpec['entry']): void {
    this.announceStart(events)
    for (const command of pending(this.state)) this.#steps.carryOut(command, entry)
    // The inbox of a new run is empty: what comes for it after its start is announced.
    if (entry !== 'first') this.arrived()
  }

  /** Reports the events of the start, which is durable. */
  announceStart(events: readonly Event[]): void {
    const paths = pathsOf(events)
    const first = events.map((event, i) => ({ ...event, seq: i + 1, path: paths[i] ?? [] }))
    this.#observers.notify(first)
    for (const event of first) this.#observers.announce(event)
  }

  /** Executes the pending commands of a run that another process owned. */
  resume(): void {
    for (const command of pending(this.state)) this.#steps.carryOut(command, 'restart')
    this.arrived()
  }

  /** A message was added to the run's inbox. */
  arrived(): void {
    this.#pending.rowsArrived()
    this.#pump()
  }

  /** Resolves when the input is durable. */
  apply(make: PendingRequest['make']): Promise<void> {
    const applied = this.#pending.request(make)
    this.#pump()
    return applied
  }

  /** Commits the end of a step with the next change of the run; undefined if the step must commit alone. */
  commitEnd(step: string, message: RunMessage, change: Fragment): Promise<CommitResult | undefined> {
    const result = this.#pending.ends.add({ step, message, change })
    this.#pump()
    return result
  }

  /** Resolves when no change of the run is in progress. */
  async idle(): Promise<void> {
    await this.#pumping
  }

  /** Waits for the commits in progress. The next owner continues the run. */
  async close(): Promise<void> {
    this.#lost ??= failure('troupe.closed', { what: `Continuing run ${this.run}` })
    await this.#pumping
  }

  #pump(): void {
    this.#pumping ??= this.#run().finally(() => {
      this.#pumping = undefined
      if (this.#hasWork) this.#pump()
      else
        this.#pending.leave(
          () => this.#lost ?? failure('run.over', { run: this.run, status: deriveStatus(this.state).status }),
        )
    })
  }

  async #run(): Promise<void> {
    try {
      while (this.#hasWork)
        if (this.#pending.hasRowsOrRequests) await this.#drainInbox()
        else await this.#commitEnds()
    } catch (error) {
      this.#lost ??= error
      this.#parts.reporting.log.error('this process stopped executing a run', { run: this.run, error: error as Error })
      if (isOwnedByOther(error)) this.#parts.host.onOwnershipLost(this, error.code === 'journal.lost')
      else await this.#breakDown(error)
    }
  }

  /** An ended run accepts no input. */
  get #hasWork(): boolean {
    return !this.#lost && !this.over && !this.#pending.isEmpty
  }

  /** Processes the rows of the inbox and the requests of this process. */
  async #drainInbox(): Promise<void> {
    const asked = this.#pending.takeRequests()
    let change: RunChange | undefined
    try {
      const writer = this.#writer
      const rows = await this.#parts.journal.inbox.read(this.user, writer.journal, batch)
      const isBacklog = rows.length === batch
      if (isBacklog) this.#pending.rowsArrived()
      change = await writer.change(isBacklog)
      for (const row of rows) {
        const message = row.body as RunMessage
        await writer.addRow(change, row.id, message)
        this.#steps.noteMessage(message)
        if (change.slice.isOver) await change.slice.renew()
      }
      // Each input is created from the state after the inputs before it.
      for (const { make } of asked) {
        await writer.addInput(change, make(change.at))
        if (change.slice.isOver) await change.slice.renew()
      }
      const committed = await writer.commit(change)
      if (committed && !committed.result.ok) throw failureOf(committed.result, writer)
      await this.#advance(change)
    } catch (error) {
      if (change && error instanceof RunLimitDue) {
        this.#pending.putBack(asked)
        return rewind(this.#writer, this.#steps, change)
      }
      for (const { done } of asked) done(error)
      throw error
    }
    for (const { done } of asked) done()
  }

  /** Processes the ends of steps, each with the statements of its step. */
  async #commitEnds(): Promise<void> {
    // Steps that execute side by side often end in one macrotask: their ends share a change.
    if (viewOf(this.state).executingSteps > 1) await nextMacrotask(this.#parts.platform.clock)
    const writer = this.#writer
    const change = await writer.change()
    const ends: PendingEnd[] = []
    const late: PendingEnd[] = []
    const all = this.#pending.ends.take(batch)
    let committed: Awaited<ReturnType<RunWriter['commit']>>
    try {
      for (const each of all) {
        const canEnd = writer.canEnd(each.step)
        ;(canEnd ? ends : late).push(each)
        if (canEnd) await writer.addInput(change, inputOf(each.message, change.at))
        if (change.slice.isOver) await change.slice.renew()
      }
      committed = await writer.commit(change, ends)
    } catch (error) {
      if (error instanceof RunLimitDue) {
        this.#pending.ends.putBack(all)
        return rewind(this.#writer, this.#steps, change)
      }
      for (const { answer } of all) answer(undefined)
      throw error
    }
    for (const { answer } of late) answer(rejectedEnd)
    if (!committed) return
    const { result, endsFrom } = committed
    const isRejectedEnd = answerEnds(ends, result, endsFrom)
    if (result.ok) {
      // The failure of an agent is reported before that of its run.
      await Promise.all(ends.map(({ step }) => this.#steps.idle(step)))
      return this.#advance(change)
    }
    if (!isRejectedEnd) throw failureOf(result, writer)
    await rewind(this.#writer, this.#steps, change)
  }

  /** The change is durable: observers see its events, and its commands are executed. */
  async #advance(change: RunChange): Promise<void> {
    const { inputs, rowStatements } = change
    const slice = new TimeSlice(this.#parts.platform.clock)
    const { storedUsage } = this.#writer.advance(change)
    this.#observers.notify(inputs.events)
    for (const event of inputs.events) {
      if (inputs.isLong && slice.isOver) await slice.renew()
      this.#observers.announce(event)
    }
    if (storedUsage) this.#observers.storedUsage(this.#writer.state)
    if (inputs.events.length === 0 && rowStatements.length > 0) this.#observers.changed()
    for (const command of inputs.commands) {
      if (inputs.isLong && slice.isOver) await slice.renew()
      this.#steps.carryOut(command, 'step' in command && inputs.started.has(command.step) ? 'first' : undefined)
    }
  }

  async #breakDown(error: unknown): Promise<void> {
    const steps = this.#steps.ids()
    const failed = await this.#writer.fail(steps, error)
    if ('lost' in failed) return this.#parts.host.onOwnershipLost(this, failed.lost)
    this.#failedFatally = true
    for (const step of steps) void this.#steps.cancel(step, failed.error)
    this.#observers.changed()
  }
}

/** The change was not committed: the state is again that of the journal. */
async function rewind(writer: RunWriter, steps: RunSteps, change: RunChange): Promise<void> {
  await writer.rewind(change)
  steps.observeState(writer.state)
}

const failureOf = ({ code, detail }: Extract<CommitResult, { readonly ok: false }>, { journal }: RunWriter) =>
  failure(code, { journal, ...detail })
