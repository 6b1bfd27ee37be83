/**
 * The one writer of a run's journal. It takes in inputs, lets the core decide, and commits inputs and events with all rows
 * that follow from them in one change. It holds nothing that the journal does not hold.
 */
import { failure, TimeSlice, type UserId } from '../../../core/index.ts'
import type { JournalWriter } from '../../../journal/index.ts'
import type { CommitResult, Statement } from '../../../storage/index.ts'
import type { Command, Input, Pinned } from '../../machine/machine-events.ts'
import { pending } from '../../machine/pending.ts'
import { type DerivedStatus, deriveStatus } from '../../machine/run/run-account.ts'
import type { State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import { notifyRelatedRuns, reportToParent } from '../children/notify-related-runs.ts'
import type { RunMessage } from '../commands/run-message.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { applyRow } from './apply-row.ts'
import { failFatally } from './fail-fatally.ts'
import { foldRun, readCommittedState } from './fold-run.ts'
import { InputBatch } from './input-batch.ts'
import { type PendingEnd, statementsOfEnds } from './pending-ends.ts'
import { recordInputs } from './record-inputs.ts'
import { rowsForCommands, rowsOf, setsTimers } from './rows-for-commands.ts'
import { type ClaimedRun, RunGaps } from './run-gaps.ts'
import { RunStatusRows } from './run-status-rows.ts'

export interface RunWriterOptions {
  readonly user: UserId
  readonly run: string
  readonly writer: JournalWriter
  readonly state: State
  readonly pinned: Pinned
  /** Of the newest event. */
  readonly lastSeq: number
  readonly lastAt: number
  readonly claimed?: ClaimedRun
}

/** One change in the making. */
export interface RunChange {
  /** When the run takes the inputs in, ms since 1970. */
  readonly at: number
  /** In the run's time, before the change. */
  readonly gap: Input | undefined
  readonly inputs: InputBatch
  readonly slice: TimeSlice
  readonly before: DerivedStatus
  /** Rows of the inbox that it takes in, and what follows from them beside events. */
  readonly rowIds: number[]
  readonly rowStatements: Statement[]
  /** The parent asks how the run stands. */
  isAsked: boolean
  /** It has to show that the run is still this process's, although nothing may have changed. */
  provesOwnership: boolean
}

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
  /** Of the journal before the change in the making. */
  #mark: ReturnType<JournalWriter['mark']>

  constructor(parts: OrchestraParts, options: RunWriterOptions) {
    this.user = options.user
    this.run = options.run
    this.pinned = options.pinned
    this.#parts = parts
    this.#journal = options.writer
    this.#mark = options.writer.mark()
    this.#gaps = new RunGaps(parts.suspendedMs, options.claimed)
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

  /** The rows that follow from a run's first events, for the change that starts it. */
  beginning(commands: readonly Command[]): readonly Statement[] {
    const rows = rowsForCommands(this.#parts, this.#at, commands)
    // One that a breakpoint stops before its first step waits from the start.
    if (deriveStatus(this.#state).status === 'running') return rows
    return [...rows, ...this.#status.rows(this.#at, this.#lastAt), ...this.#reportStart()]
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

  /** Begins a change, with the gap before it. */
  change(): RunChange {
    const { clock } = this.#parts
    this.#mark = this.#journal.mark()
    const at = Math.max(this.#lastAt, clock.now())
    const gap = this.#gaps.next(at)
    const change: RunChange = {
      at,
      gap,
      inputs: new InputBatch(this.#state, this.#lastSeq, this.#ended),
      slice: new TimeSlice(clock),
      before: deriveStatus(this.#state),
      rowIds: [],
      rowStatements: [],
      isAsked: false,
      provesOwnership: false,
    }
    if (gap) change.inputs.add(gap)
    return change
  }

  addRow(change: RunChange, { id, body }: { readonly id: number; readonly body: unknown }): void {
    const message = body as RunMessage
    const target = { ...this.#at, gaps: this.#gaps }
    change.rowStatements.push(...applyRow(this.#parts, target, change.inputs, message, change.at))
    change.rowIds.push(id)
    change.isAsked ||= message.type === 'resume'
    change.provesOwnership = true
  }

  /** @param input undefined: only that the run is still this process's */
  addInput(change: RunChange, input: Input | undefined): void {
    if (input) change.inputs.add(input)
    else change.provesOwnership = true
  }

  /** @returns whether the step may end, as the inputs so far have left it */
  canEnd(step: string): boolean {
    const open = viewOf(this.#state).step(step)
    return open !== undefined && open.cancellation === undefined && !this.#ended.has(step)
  }

  /**
   * Commits the change; one without content is not made.
   * @param pendingEnds whose ends are among the inputs
   * @returns undefined where there was nothing to commit; `endsFrom`: the index of their first statement
   */
  async commit(
    change: RunChange,
    pendingEnds: readonly PendingEnd[] = [],
  ): Promise<{ readonly result: CommitResult; readonly endsFrom: number } | undefined> {
    const { storage, inbox } = this.#parts
    const { at, inputs, slice, before, rowIds, rowStatements, isAsked } = change
    const { commands } = inputs
    const name = `${inputs.lastSeq} ${rowIds.at(-1) ?? ''}`
    const others = [
      ...(await notifyRelatedRuns(this.#parts, this, commands)),
      ...reportToParent(this.#parts, this, { before, isAsked, commands, name }),
    ]
    // What changes nothing is refused, or taken out, by the state of the process that surely has the run.
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
    const wake = rowStatements.length > 0 || setsTimers(commands) ? (['timers'] as const) : []
    const result = await storage.commit({ id: null, scope: { user: this.user }, statements, wake })
    return { result, endsFrom: own.length }
  }

  /** The change is durable. */
  advance({ at, inputs }: RunChange): void {
    this.#lastAt = at
    this.#lastSeq += inputs.events.length
  }

  /**
   * The change was rejected for one of its parts: everything is as the journal has it.
   * @throws ConflictError `journal.lost`, and errors of the storage
   */
  async rewind({ gap, inputs }: RunChange): Promise<void> {
    this.#journal.rewind(this.#mark)
    const content = await this.#parts.journals.load(this.user, this.journal)
    if (!content) throw failure('journal.lost', { journal: this.journal })
    this.#state = foldRun(content).state
    this.#status = new RunStatusRows(this.#parts)
    if (gap) this.#gaps.takeBack(gap)
    for (const step of inputs.ended) this.#ended.delete(step)
  }

  /**
   * Ends the run as failed, without its journal.
   * @param steps those that are carried out, which are fenced
   * @returns the error of the run; `lost`: nothing could be written, `true` where another process has the run
   */
  async fail(
    steps: readonly string[],
    error: unknown,
  ): Promise<
    { readonly error: Awaited<ReturnType<typeof failFatally>>['account']['error'] } | { readonly lost: boolean }
  > {
    this.#journal.rewind(this.#mark)
    const state = (await readCommittedState(this.#parts.journals, this.user, this.journal)) ?? this.#state
    const at = { user: this.user, run: this.run, pinned: this.pinned, state, writer: this.#journal }
    const { account, statements } = await failFatally(this.#parts, at, steps, error)
    const written = await this.#parts.storage
      .commit({ id: null, scope: { user: this.user }, statements })
      .catch(() => undefined)
    // Another owner has it, or nothing can be written: the next process that takes it up finds the same.
    if (!written?.ok) return { lost: written?.code === 'journal.lost' }
    return { error: account.error }
  }

  /** The records, a snapshot where one is due, and what lists show. */
  async #recorded(inputs: InputBatch, at: number, slice: TimeSlice): Promise<readonly Statement[]> {
    if (inputs.records.length === 0) return []
    return [
      ...(await recordInputs(this.#journal, this.#state, inputs, { at, slice })),
      ...this.#status.rows(this.#at, at),
    ]
  }

  get #at() {
    return { user: this.user, run: this.run, state: this.#state, journal: this.journal }
  }
}
