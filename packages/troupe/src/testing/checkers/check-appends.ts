/** Whether a collection holds what was added to it: all that was acknowledged, nothing that nobody added, nothing twice. */
import { checkOptions } from '../../core/index.ts'
import { checkFields, checkTexts } from '../check-fields.ts'
import type { Anomaly } from './anomaly.ts'

export interface Appends {
  readonly acknowledged: readonly string[]
  /** Added, but the outcome is unknown: may be there or not. */
  readonly unknown?: readonly string[]
  readonly found: readonly string[]
}

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

/** A run in which little succeeded proves little. @param least the share that must have, 0.8 by default */
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
