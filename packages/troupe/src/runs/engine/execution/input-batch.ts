/** Inputs taken one after the other: their records, events and commands, the state moved along. */
import type { Command, Input } from '../../machine/machine-events.ts'
import type { State } from '../../machine/state.ts'
import { transition } from '../../machine/transition.ts'
import type { EventWithPath } from '../events/run-event.ts'
import type { RunRecord } from '../store/run-record.ts'

const maxInOneGo = 64

export class InputBatch {
  readonly records: RunRecord[] = []
  readonly events: EventWithPath[] = []
  readonly commands: Command[] = []
  /** Steps that have begun with these inputs: there is no journal of theirs yet. */
  readonly started = new Set<string>()
  /** Steps that have ended with these inputs. */
  readonly ended: string[] = []
  readonly #state: State
  /** Of the run, with those before. */
  readonly #ended: Set<string>
  lastSeq: number

  constructor(state: State, lastSeq: number, ended: Set<string>) {
    this.#state = state
    this.lastSeq = lastSeq
    this.#ended = ended
  }

  /** What follows from fewer events is done in one go: observers see no step announced that is not launched. */
  get isLong(): boolean {
    return this.events.length > maxInOneGo
  }

  add(input: Input): void {
    // A step that settled in the same moment in which it was recalled has told its end already.
    if (input.type === 'step.returned' || input.type === 'step.failed') {
      if (this.#ended.has(input.step)) return
      this.#ended.add(input.step)
      this.ended.push(input.step)
    }
    const { events, paths, commands } = transition(this.#state, input)
    if (events.length === 0) return
    this.records.push({ input, events, first: this.lastSeq + 1 })
    for (const [i, event] of events.entries()) {
      this.events.push({ ...event, seq: ++this.lastSeq, path: paths[i] ?? [] })
      if (event.type === 'step.started') this.started.add(event.step)
    }
    for (const command of commands) this.commands.push(command)
  }
}
