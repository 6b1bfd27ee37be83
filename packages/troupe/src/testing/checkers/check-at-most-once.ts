/** Whether what must not be repeated was not. */
import { checkTexts } from '../check-fields.ts'
import type { Anomaly } from './anomaly.ts'

/** @param happened the key of every effect that reached the world, once per time */
export function checkAtMostOnce(happened: readonly string[]): readonly Anomaly[] {
  checkTexts('checkAtMostOnce', happened ?? null)
  return [...Map.groupBy(happened, (key) => key)].flatMap(([key, times]) =>
    times.length > 1 ? [{ rule: 'at-most-once' as const, message: `${key} happened ${times.length} times` }] : [],
  )
}
