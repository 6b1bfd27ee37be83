/** Checks that no effect was repeated. */
import { checkTexts } from '../check-fields.ts'
import type { Anomaly } from './anomaly.ts'

/**
 * Checks that no effect happened twice.
 * @param happened the key of each effect that happened, once for each time
 * @returns anomalies of the rule `at-most-once`
 */
export function checkAtMostOnce(happened: readonly string[]): readonly Anomaly[] {
  checkTexts('checkAtMostOnce', happened ?? null)
  return [...Map.groupBy(happened, (key) => key)].flatMap(([key, times]) =>
    times.length > 1 ? [{ rule: 'at-most-once' as const, message: `${key} happened ${times.length} times` }] : [],
  )
}
