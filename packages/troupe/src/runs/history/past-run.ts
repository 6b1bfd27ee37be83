/** The record of a run, read from its journal: its events, its state at each event, and its replay. */
import { finishNow, invalidInput, show, type WorkInParts } from '../../core/index.ts'
import type { JournalRecord } from '../../journal/index.ts'
import type { NumberedEvent } from '../engine/events/run-event.ts'
import { type RunRecord, readRecord } from '../engine/store/run-record.ts'
import { evolve } from '../machine/evolve.ts'
import { createState, type State } from '../machine/state.ts'
import { compareReplay, type ReplayResult } from './compare-replay.ts'

export class PastRun {
  readonly run: string
  readonly records: readonly RunRecord[]
  readonly events: readonly NumberedEvent[]

  /** @param records the records of the run's journal, all from the first */
  constructor(run: string, records: readonly RunRecord[]) {
    this.run = run
    this.records = records
    this.events = this.records.flatMap(({ events, first }) => events.map((event, i) => ({ ...event, seq: first + i })))
  }

  static of(run: string, records: readonly JournalRecord[]): PastRun {
    return new PastRun(run, records.map(({ body }) => readRecord(body)).filter(isComplete))
  }

  verifyReplay(): ReplayResult {
    return finishNow(this.verifyReplayInParts())
  }

  verifyReplayInParts(): WorkInParts<ReplayResult> {
    return compareReplay(this.records)
  }

  /**
   * Returns the state after the event `seq`.
   * @throws ValidationError if the run has no event `seq`
   */
  stateAt(seq: number): State {
    if (!Number.isSafeInteger(seq) || seq < 1 || seq > this.events.length)
      throw invalidInput(`The event ${show(seq)} of run ${this.run}`, `it has the events 1 to ${this.events.length}`)
    const state = createState()
    for (const event of this.events.slice(0, seq)) evolve(state, event)
    return state
  }
}

const isComplete = (record: Partial<RunRecord>): record is RunRecord =>
  record.input !== undefined && record.events !== undefined && record.first !== undefined
