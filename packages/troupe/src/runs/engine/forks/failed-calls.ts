/** Finds the calls that failed a step: those after whose failure its code did not continue. */
import { isFailedChild } from './fork-children.ts'
import type { StepLogEntry } from './forked-steps.ts'

/**
 * Code that continues after a failure starts a new call. Calls that had started before the failure only end after it.
 * @returns the indexes of their outcomes in the journal
 */
export function failedCalls(entries: readonly StepLogEntry[]): ReadonlySet<number> {
  const begun = new Map<string, number>()
  const beginnings = entries.map(({ t, id = '' }, i) => {
    if (t === 'claim' || t === 'wait') begun.set(id, i)
    if (begins.has(t)) return i
    return t === 'effect' || t === 'reply' ? (begun.get(id) ?? i) : -1
  })
  const failed = new Set<number>()
  let latest = -1
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i] as StepLogEntry
    if (latest < i && isFailure(entry, entries)) failed.add(i)
    latest = Math.max(latest, beginnings[i] as number)
  }
  return failed
}

const isFailure = (entry: StepLogEntry, entries: readonly StepLogEntry[]): boolean =>
  ((entry.t === 'effect' || entry.t === 'reply') && entry.e !== undefined) || isFailedChild(entry, entries)

const begins = new Set(['claim', 'turn', 'wait', 'body', 'commit'])
