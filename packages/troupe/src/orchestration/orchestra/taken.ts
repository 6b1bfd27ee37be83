/** Inputs taken one after the other: their records, events and commands, the state moved along. */
import { pathOf } from '../core/agent-path.ts'
import { commandsOf } from '../core/commands.ts'
import { decide } from '../core/decide.ts'
import { evolve } from '../core/evolve.ts'
import type { Command, Event, Input } from '../core/model.ts'
import type { State } from '../core/state.ts'
import type { PlacedEvent } from './run-event.ts'
import type { RunRecord } from './run-record.ts'

export class Taken {
  readonly records: RunRecord[] = []
  readonly events: PlacedEvent[] = []
  readonly follows: Follows[] = []
  readonly #state: State
  readonly #ended: Set<string>
  lastSeq: number

  constructor(state: State, lastSeq: number, ended: Set<string>) {
    this.#state = state
    this.lastSeq = lastSeq
    this.#ended = ended
  }

  take(input: Input): void {
    // A step that settled in the same moment in which it was recalled has told its end already.
    if (input.type === 'step.settled' || input.type === 'step.failed') {
      if (this.#ended.has(input.step)) return
      this.#ended.add(input.step)
    }
    const events = decide(this.#state, input)
    if (events.length === 0) return
    this.records.push({ input, events, first: this.lastSeq + 1 })
    for (const event of events) {
      evolve(this.#state, event)
      this.events.push({ ...event, seq: ++this.lastSeq, path: pathOf(this.#state.paths, event) })
      this.follows.push({ event, commands: commandsOf(this.#state, event) })
    }
  }
}

/** An event, and the commands that it opened. */
export interface Follows {
  readonly event: Event
  readonly commands: readonly Command[]
}
