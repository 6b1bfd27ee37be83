/**
 * Replays a run: applies the present `transition` to the recorded inputs and compares the events. Calls no code of
 * agents.
 */
import { canonicalJson, type Json } from '../../core/index.ts'
import type { RunRecord } from '../engine/store/run-record.ts'
import { createState } from '../machine/state.ts'
import { transition } from '../machine/transition.ts'

/** The result of `verifyReplay`. */
export interface ReplayResult {
  /** True if the repeated decisions equal the recorded events. */
  readonly identical: boolean
  /** The first difference. */
  readonly difference?: {
    /** The `seq` of the event. */
    readonly seq: number
    /** The recorded event; null if there is none. */
    readonly recorded: Json
    /** The event of the repeated decision; null if there is none. */
    readonly replayed: Json
  }
  /** The number of events that were compared and found equal. */
  readonly events: number
}

/** @param records of the run's journal, from its first */
export function compareReplay(records: Iterable<RunRecord>): ReplayResult {
  const state = createState()
  let count = 0
  for (const { input, events, first } of records) {
    const { events: replayed } = transition(state, input)
    for (let i = 0; i < Math.max(events.length, replayed.length); i++) {
      const was = (events[i] ?? null) as Json
      const is = (replayed[i] === undefined ? null : JSON.parse(JSON.stringify(replayed[i]))) as Json
      if (canonicalJson(was) !== canonicalJson(is))
        return { identical: false, difference: { seq: first + i, recorded: was, replayed: is }, events: count }
    }
    count += events.length
  }
  return { identical: true, events: count }
}
