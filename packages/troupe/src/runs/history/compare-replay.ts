/**
 * Replays a run: applies the present `transition` to the recorded inputs and compares the events. Calls no code of
 * agents.
 */
import { canonicalJson, isObject, type Json, type WorkInParts } from '../../core/index.ts'
import type { RunRecord } from '../engine/store/run-record.ts'
import { createState } from '../machine/state.ts'
import { transitionInParts } from '../machine/transition.ts'

/** The result of `verifyReplay`. */
export interface ReplayResult {
  /** True if the repeated decisions equal the recorded events; hints of errors are not compared. */
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

/**
 * Compares in parts, because the comparison of a long run takes longer than other work may wait.
 * @param records the records of the run's journal, from the first
 */
export function* compareReplay(records: Iterable<RunRecord>): WorkInParts<ReplayResult> {
  const state = createState()
  let count = 0
  let hasOtherHints = false
  for (const { input, events, first } of records) {
    const { events: replayed } = yield* transitionInParts(state, input)
    for (let i = 0; i < Math.max(events.length, replayed.length); i++) {
      yield
      const was = (events[i] ?? null) as Json
      const is = (replayed[i] === undefined ? null : JSON.parse(JSON.stringify(replayed[i]))) as Json
      if (canonicalJson(was) === canonicalJson(is)) continue
      if (decisionOf(was, hasOtherHints) !== decisionOf(is, hasOtherHints))
        return { identical: false, difference: { seq: first + i, recorded: was, replayed: is }, events: count }
      hasOtherHints = true
    }
    count += events.length
  }
  return { identical: true, events: count }
}

/**
 * Returns an event without the hints of its errors: they are texts for people, which a release may improve. The hash of a step's
 * progress includes them, and says nothing once they differ.
 */
function decisionOf(event: Json, hasOtherHints: boolean): string {
  const without = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(without)
    if (!isObject(value)) return value
    const isError = typeof value.code === 'string' && typeof value.message === 'string'
    const fields = Object.entries(value as { readonly [name: string]: Json })
    const decided = fields.filter(
      ([name]) => !(isError && name === 'hint') && !(hasOtherHints && name === 'progressHash'),
    )
    return Object.fromEntries(decided.map(([name, field]) => [name, without(field)]))
  }
  return canonicalJson(without(event))
}
