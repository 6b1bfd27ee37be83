/** What a step failed with: the calls whose failures its code has not gone on from. */
import { isFailedChild } from './fork-children.ts'
import type { StepLogEntry } from './forked-steps.ts'

/**
 * Where code failed and goes on, it begins something; what it had begun before only comes to its end meanwhile.
 * @returns the places of their outcomes in the log
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
