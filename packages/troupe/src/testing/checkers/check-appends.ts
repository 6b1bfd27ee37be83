/** Checks the items of a collection against the additions of a recorded history. */
import { checkOptions } from '../../core/index.ts'
import { checkFields, checkTexts } from '../check-fields.ts'
import type { Anomaly } from './anomaly.ts'

/** The items that were added to a collection, and those that it holds. */
export interface Appends {
  /** The items whose addition was acknowledged. */
  readonly acknowledged: readonly string[]
  /** Items that were added with an unknown outcome, which may be present or not; none by default. */
  readonly unknown?: readonly string[]
  /** The items that the collection holds at the end. */
  readonly found: readonly string[]
}

/**
 * Checks that a collection holds every acknowledged item, no item that was not added, and no item twice.
 * @returns anomalies of the rules `lost`, `invented` and `duplicate`
 */
export function checkAppends(appends: Appends): readonly Anomaly[] {
  checkOptions('checkAppends', appends, ['acknowledged', 'unknown', 'found'])
  const { acknowledged, unknown = [], found } = appends
  for (const list of [acknowledged, unknown, found]) checkTexts('A list of checkAppends', list ?? null)
  const there = new Set(found)
  const tried = new Set([...acknowledged, ...unknown])
  const twice = [...Map.groupBy(found, (item) => item)].filter(([, times]) => times.length > 1)
  return [
    ...acknowledged
      .filter((item) => !there.has(item))
      .map((item): Anomaly => ({ rule: 'lost', message: `${item} was acknowledged and is not there` })),
    ...[...there]
      .filter((item) => !tried.has(item))
      .map((item): Anomaly => ({ rule: 'invented', message: `${item} is present, but was not added` })),
    ...twice.map(
      ([item, times]): Anomaly => ({ rule: 'duplicate', message: `${item} is there ${times.length} times` }),
    ),
  ]
}

/**
 * Checks that enough operations of a test succeeded for it to prove something.
 * @param counts.succeeded the number of operations that succeeded
 * @param counts.failed the number of operations that failed
 * @param least the share that must have succeeded; 0.8 by default
 * @returns an anomaly of the rule `share`, or none
 */
export function checkShare(
  counts: { readonly succeeded: number; readonly failed: number },
  least = 0.8,
): readonly Anomaly[] {
  checkFields('checkShare', counts, { succeeded: 'number', failed: 'number' })
  checkFields('checkShare', { least }, { least: 'number' })
  const { succeeded, failed } = counts
  const share = succeeded / Math.max(1, succeeded + failed)
  if (share >= least) return []
  return [
    { rule: 'share', message: `only ${(100 * share).toFixed(1)} % of ${succeeded + failed} operations succeeded` },
  ]
}
