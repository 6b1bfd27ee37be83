/** Checks that updates which read and then write have not overwritten one another. */
import { checkRecords } from '../check-fields.ts'
import type { Anomaly } from './anomaly.ts'

/** An acknowledged update that read a version of a key and wrote another one. */
export interface Update {
  /** The key. */
  readonly key: string
  /** The version that was read; 0 if there was no entry. */
  readonly read: number
  /** The version that was written. */
  readonly wrote: number
}

/**
 * Checks that no two acknowledged updates of a key read the same version, or wrote the same one.
 * @returns anomalies of the rule `lost-update`
 */
export function checkUpdates(updates: readonly Update[]): readonly Anomaly[] {
  checkRecords('checkUpdates', updates, { key: 'string', read: 'number', wrote: 'number' })
  const anomalies: Anomaly[] = []
  for (const [key, ofKey] of Map.groupBy(updates, (update) => update.key))
    for (const field of ['read', 'wrote'] as const)
      for (const [version, same] of Map.groupBy(ofKey, (update) => update[field]))
        if (same.length > 1)
          anomalies.push({
            rule: 'lost-update',
            message: `${same.length} updates of ${key} ${field} version ${version}`,
          })
  return anomalies
}

/** The increments of a counter, and its final value. */
export interface Counted {
  /** The key of the counter. */
  readonly key: string
  /** The number of acknowledged increments by one. */
  readonly acknowledged: number
  /** The number of increments with an unknown outcome. */
  readonly unknown: number
  /** The value at the end. */
  readonly final: number
}

/**
 * Checks that each counter holds every acknowledged increment, and not more than were tried.
 * @returns anomalies of the rules `lost-update` and `invented`
 */
export function checkCounters(counters: readonly Counted[]): readonly Anomaly[] {
  checkRecords('checkCounters', counters, { key: 'string', acknowledged: 'number', unknown: 'number', final: 'number' })
  return counters.flatMap(({ key, acknowledged, unknown, final }): readonly Anomaly[] => {
    if (final < acknowledged)
      return [{ rule: 'lost-update', message: `${key} is ${final} after ${acknowledged} acknowledged increments` }]
    if (final > acknowledged + unknown)
      return [{ rule: 'invented', message: `${key} is ${final} after at most ${acknowledged + unknown} increments` }]
    return []
  })
}
