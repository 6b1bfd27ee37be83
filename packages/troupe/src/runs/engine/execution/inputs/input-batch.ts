/** Applies inputs one after the other: collects their records, events and commands, and updates the state. */
import type { TimeSlice } from '../../../../core/index.ts'
import type { Command, Input } from '../../../machine/machine-events.ts'
import type { State } from '../../../machine/state.ts'
import { transitionInParts } from '../../../machine/transition.ts'
import type { AnnouncedEvent } from '../../events/run-event.ts'
import type { RunRecord } from '../../store/run-record.ts'

const maxInOneGo = 64

export class InputBatch {
  readonly records: RunRecord[] = []
  readonly events: AnnouncedEvent[] = []
  readonly commands: Command[] = []
  /** Steps that these inputs start; they have no journal yet. */
  readonly started = new Set<string>()
  /** Steps that these inputs end. */
  readonly ended: string[] = []
  /** Steps that get answers by these inputs: they execute after the commit, and then report their waits. */
  readonly #answered = new Set<string>()
  readonly #state: State
  /** All ended steps of the run, including these. */
  readonly #ended: Set<string>
  lastSeq: number

  constructor(state: State, lastSeq: number, ended: Set<string>) {
    this.#state = state
    this.lastSeq = lastSeq
    this.#ended = ended
  }

  /** Shorter batches are executed without a pause, so that observers see no step before it starts. */
  get isLong(): boolean {
    return this.events.length > maxInOneGo
  }

  async add(input: Input, slice: TimeSlice): Promise<void> {
    // A step that ended at the same time as its cancellation has already reported its end.
    if (input.type === 'step.returned' || input.type === 'step.failed') {
      if (this.#ended.has(input.step)) return
      this.#ended.add(input.step)
      this.ended.push(input.step)
    }
    // This report is older than the answer.
    if (input.type === 'step.waiting' && this.#answered.has(input.step)) return
    const { events, paths, beginnings, commands } = await slice.finish(transitionInParts(this.#state, input))
    if (events.length === 0) return
    this.records.push({ input, events, first: this.lastSeq + 1 })
    for (const [i, event] of events.entries()) {
      const beginning = beginnings[i]
      const numbered = { ...event, seq: ++this.lastSeq, path: paths[i] ?? [] }
      this.events.push(beginning ? { ...numbered, beginning } : numbered)
      if (event.type === 'step.started') this.started.add(event.step)
      if (event.type === 'answer.delivered') this.#answered.add(event.step)
    }
    for (const command of commands) this.commands.push(command)
  }
}
