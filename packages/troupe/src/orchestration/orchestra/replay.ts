/** Replays a run: the recorded inputs through today's `decide`, compared with the recorded events. Calls nothing. */
import { canonicalJson, type Json } from '../../core/index.ts'
import { decide } from '../core/decide.ts'
import { evolve } from '../core/evolve.ts'
import { createState } from '../core/state.ts'
import type { RunRecord } from './run-record.ts'

export interface Replay {
  readonly identical: boolean
  /** The first one. */
  readonly difference?: { readonly seq: number; readonly recorded: Json; readonly decided: Json }
  readonly events: number
}

/** @param records of the run's journal, from its first */
export function replay(records: Iterable<RunRecord>): Replay {
  const state = createState()
  let count = 0
  for (const { input, events, first } of records) {
    const decided = decide(state, input)
    for (let i = 0; i < Math.max(events.length, decided.length); i++) {
      const was = (events[i] ?? null) as Json
      const is = (decided[i] === undefined ? null : JSON.parse(JSON.stringify(decided[i]))) as Json
      if (canonicalJson(was) !== canonicalJson(is))
        return { identical: false, difference: { seq: first + i, recorded: was, decided: is }, events: count }
    }
    for (const event of events) evolve(state, event)
    count += events.length
  }
  return { identical: true, events: count }
}
