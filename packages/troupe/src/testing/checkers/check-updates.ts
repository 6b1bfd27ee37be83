/** Whether updates that read and then write have overwritten one another. */
import { checkRecords } from '../check-fields.ts'
import type { Anomaly } from './anomaly.ts'

export interface Update {
  readonly key: string
  /** The version that was read; 0 where nothing stood. */
  readonly read: number
  /** The version that was written over it. */
  readonly wrote: number
}

/** No two acknowledged updates of a key may rest on the same version, nor make the same one. */
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

export interface Counted {
  readonly key: string
  /** Increments by one that were acknowledged. */
  readonly acknowledged: number
  /** Those whose outcome nobody knows. */
  readonly unknown: number
  /** What stands there at the end. */
  readonly final: number
}

/** A counter holds every acknowledged increment, and no more than were tried. */
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
