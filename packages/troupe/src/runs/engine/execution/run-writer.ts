/**
 * The only writer of a run's journal. It accepts inputs, lets the machine decide, and commits inputs and events with all of their
 * rows in one change. It has no state that the journal does not have.
 */
import { failure, TimeSlice, type UserId, type WorkInParts } from '../../../core/index.ts'
import type { JournalWriter } from '../../../journal/index.ts'
import { type CommitResult, commitJoined, type Statement } from '../../../storage/index.ts'
import { overdueLimit } from '../../machine/clocks/run-time.ts'
import type { Command, Input, Pinned } from '../../machine/machine-events.ts'
import { pending } from '../../machine/pending.ts'
import { type DerivedStatus, deriveStatus } from '../../machine/run/run-account.ts'
import type { State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import { notifyRelatedRuns, reportToParent } from '../children/notify-related-runs.ts'
import type { RunMessage } from '../commands/run-message.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { failFatally } from './fail-fatally.ts'
import { foldRunInParts, readCommittedState } from './fold-run.ts'
import { applyRow } from './inputs/apply-row.ts'
import { InputBatch } from './inputs/input-batch.ts'
import { type PendingEnd, statementsOfEnds } from './inputs/pending-ends.ts'
import { recordInputs } from './inputs/record-inputs.ts'
import { rowsForCommands, rowsOf, wakeForCommands } from './rows-for-commands.ts'
import { RunGaps } from './run-gaps.ts'
import { RunStatusRows } from './run-status-rows.ts'

export interface RunWriterOptions {
  readonly user: UserId
  readonly run: string
  readonly writer: JournalWriter
  readonly state: State
  readonly pinned: Pinned
  /** The `seq` of the newest event. */
  readonly lastSeq: number
  readonly lastAt: number
  /** Whether the run was taken over. */
  readonly isClaimed?: boolean
}

/** A change that is being prepared. */
export interface RunChange {
  /** The time at which the run accepts the inputs, ms since 1970. */
  readonly at: number
  /** The input that records the gap in the run's time before the change. */
  readonly gap: Input | undefined
  readonly inputs: InputBatch
  readonly slice: TimeSlice
  readonly before: DerivedStatus
  /** The accepted rows of the inbox, which the change removes, and the statements that follow from these rows. */
  readonly rowIds: number[]
  readonly rowStatements: Statement[]
  /** The parent asks for the status of the run. */
  isAsked: boolean
  /** The change must prove that this process still owns the run, also if it has no other content. */
  provesOwnership: boolean
}

/** Thrown while a change is prepared: a time limit of the run is over, and its timer is decided before all other inputs. */
export class RunLimitDue extends Error {}

export class RunWriter {
  readonly user: UserId
  readonly run: string
  readonly pinned: Pinned
  readonly #parts: OrchestraParts
  readonly #journal: JournalWriter
  readonly #gaps: RunGaps
  readonly #ended = new Set<string>()
  #status: RunStatusRows
  #state: State
  #lastSeq: number
  #lastAt: number
  /** A time limit of the run was over while the change before was prepared. */
  #isLimitDue = false
  /** The version of the journal before the change that is being prepared. */
  #mark: ReturnType<JournalWriter['mark']>

  constructor(parts: OrchestraParts, options: RunWriterOptions) {
    this.user = options.user
    this.run = options.run
    this.pinned = options.pinned
    this.#parts = parts
    this.#journal = options.writer
    this.#mark = options.writer.mark()
    this.#gaps = new RunGaps(parts.host, options.isClaimed === true)
    this.#status = new RunStatusRows(parts)
    this.#state = options.state
    this.#lastSeq = options.lastSeq
    this.#lastAt = options.lastAt
  }

  get state(): State {
    return this.#state
  }

  /** The id of the run's journal. */
  get journal(): string {
    return this.#journal.id
  }

  /** Returns the rows of the run's first events, for the change that starts it. */
  *beginning(commands: readonly Command[]): WorkInParts<readonly Statement[]> {
    const rows = rowsForCommands(this.#parts, this.#at, commands)
    // A run that a breakpoint stops before its first step waits from the start.
    if (deriveStatus(this.#state).status === 'running') {
      this.#status.begun(this.#state)
      return rows
    }
    return [...rows, ...(yield* this.#status.rows(this.#at, this.#lastAt)), ...this.#reportStart()]
  }

  /** Returns the rows of a fork: its pending commands and its status. */
  *founding(at: number): WorkInParts<readonly Statement[]> {
    return [
      ...[...pending(this.#state)].flatMap((command) => rowsOf(this.#parts, this.#at, command)),
      ...(yield* this.#status.rows(this.#at, at)),
      ...this.#reportStart(),
    ]
  }

  #reportStart(): readonly Statement[] {
    const before = { status: 'running', over: false } as const
    return reportToParent(this.#parts, this, { before, isAsked: true, commands: [], name: `${this.#lastSeq}` })
  }

  /**
   * Prepares a change, with the gap before it. While it is prepared, its slice checks the time limits of the run.
   * @param isBacklog more inputs wait than one change accepts, so that the row of a timer may be far behind
   */
  async change(isBacklog = false): Promise<RunChange> {
    const { clock } = this.#parts.platform
    this.#mark = this.#journal.mark()
    const at = Math.max(this.#lastAt, clock.now())
    const gap = this.#gaps.next(at)
    const change: RunChange = {
      at,
      gap,
      inputs: new InputBatch(this.#state, this.#lastSeq, this.#ended),
      slice: new TimeSlice(clock, () => this.#checkLimits()),
      before: deriveStatus(this.#state),
      rowIds: [],
      rowStatements: [],
      isAsked: false,
      provesOwnership: false,
    }
    const first = new TimeSlice(clock)
    if (gap) await change.inputs.add(gap, first)
    const name = isBacklog || this.#isLimitDue ? overdueLimit(this.#state, at) : undefined
    this.#isLimitDue = false
    if (name) await change.inputs.add({ at, type: 'timer', name }, first)
    return change
  }

  #checkLimits(): void {
    if (!overdueLimit(this.#state, this.#parts.platform.clock.now())) return
    this.#isLimitDue = true
    throw new RunLimitDue()
  }

  async addRow(change: RunChange, id: number, message: RunMessage): Promise<void> {
    const target = { ...this.#at, gaps: this.#gaps }
    change.rowStatements.push(...(await applyRow(this.#parts, target, change, message)))
    change.rowIds.push(id)
    change.isAsked ||= message.type === 'resume'
    change.provesOwnership = true
  }

  /** @param input undefined to prove only that this process still owns the run */
  async addInput(change: RunChange, input: Input | undefined): Promise<void> {
    if (input) await change.inputs.add(input, change.slice)
    else change.provesOwnership = true
  }

  /** @returns true if the step can end after the inputs so far */
  canEnd(step: string): boolean {
    const open = viewOf(this.#state).step(step)
    return open !== undefined && open.cancellation === undefined && !this.#ended.has(step)
  }

  /**
   * Commits the change, unless it has no content.
   * @param pendingEnds the ends of steps among the inputs
   * @returns undefined if there was nothing to commit; `endsFrom`: the index of the first statement of the ends
   */
  async commit(
    change: RunChange,
    pendingEnds: readonly PendingEnd[] = [],
  ): Promise<{ readonly result: CommitResult; readonly endsFrom: number } | undefined> {
    const { storage } = this.#parts.stores
    const { inbox } = this.#parts.journal
    const { at, inputs, slice, before, rowIds, rowStatements, isAsked } = change
    const { commands } = inputs
    const name = `${inputs.lastSeq} ${rowIds.at(-1) ?? ''}`
    const others = [
      ...(await notifyRelatedRuns(this.#parts, this, commands)),
      ...reportToParent(this.#parts, this, { before, isAsked, commands, name }),
    ]
    // A change without effect is decided by the state of the process that certainly owns the run.
    const proves = inputs.records.length === 0 && change.provesOwnership
    const own = [
      ...(proves ? this.#journal.prove().statements : await this.#recorded(inputs, at, slice)),
      ...rowStatements,
      ...(rowIds.length > 0 ? inbox.remove(this.user, this.journal, rowIds).statements : []),
      ...rowsForCommands(this.#parts, this.#at, commands),
      ...others,
    ]
    const statements = pendingEnds.length === 0 ? own : [...own, ...statementsOfEnds(pendingEnds)]
    if (statements.length === 0) return undefined
    const wake = rowStatements.length > 0 ? (['timers'] as const) : wakeForCommands(this.#parts, this.#state, commands)
    const result = await commitJoined(storage, { id: null, scope: { user: this.user }, statements, wake })
    return { result, endsFrom: own.length }
  }

  /** The change is durable. @returns whether it stored the usage of the run in progress */
  advance({ at, inputs }: RunChange): { readonly storedUsage: boolean } {
    this.#lastAt = at
    this.#lastSeq += inputs.events.length
    return { storedUsage: this.#status.hasStoredUsage() }
  }

  /**
   * Reads the journal again after one part of the change was rejected, or after its preparation was interrupted.
   * @throws ConflictError `journal.lost`, and errors of the storage
   */
  async rewind({ gap, inputs }: RunChange): Promise<void> {
    this.#journal.rewind(this.#mark)
    const content = await this.#parts.journal.journals.load(this.user, this.journal)
    if (!content) throw failure('journal.lost', { journal: this.journal })
    this.#state = (await new TimeSlice(this.#parts.platform.clock).finish(foldRunInParts(content))).state
    this.#status = new RunStatusRows(this.#parts)
    if (gap) this.#gaps.takeBack(gap)
    for (const step of inputs.ended) this.#ended.delete(step)
  }

  /**
   * Ends the run as failed, without its journal.
   * @param steps the executing steps, which are fenced
   * @returns the error of the run; `lost`: nothing could be written, `true` if another process owns the run
   */
  async fail(
    steps: readonly string[],
    error: unknown,
  ): Promise<
    { readonly error: Awaited<ReturnType<typeof failFatally>>['account']['error'] } | { readonly lost: boolean }
  > {
    this.#journal.rewind(this.#mark)
    const state = (await readCommittedState(this.#parts.journal.journals, this.user, this.journal)) ?? this.#state
    const at = { user: this.user, run: this.run, pinned: this.pinned, state, writer: this.#journal }
    const { account, statements } = await failFatally(this.#parts, at, steps, error)
    const written = await this.#parts.stores.storage
      .commit({ id: null, scope: { user: this.user }, statements })
      .catch(() => undefined)
    // Another process owns the run, or the storage does not write: the next owner finds the same failure.
    if (!written?.ok) return { lost: written?.code === 'journal.lost' }
    return { error: account.error }
  }

  /** Returns the statements of the records, of a snapshot if one is due, and of the run's row. */
  async #recorded(inputs: InputBatch, at: number, slice: TimeSlice): Promise<readonly Statement[]> {
    if (inputs.records.length === 0) return []
    const closes = deriveStatus(this.#state).over
    const records = await recordInputs(this.#journal, this.#state, inputs, { at, slice, closes })
    return [...records, ...(await slice.finish(this.#status.rows(this.#at, at, closes), 1))]
  }

  get #at() {
    return { user: this.user, run: this.run, state: this.#state, journal: this.journal }
  }
}
