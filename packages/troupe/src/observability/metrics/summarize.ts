/** Summarises the values of a metric. */
import type { MetricObservation } from './series.ts'

export interface MetricSummary {
  /**
   * Increments and observations since the start, or within the window: to a second, and of the latest thousand seconds in
   * which something was counted.
   */
  readonly count: number
  readonly failures: number
  /** Of timers in milliseconds, over the latest thousand of each series. */
  readonly average: number
  readonly min: number
  readonly max: number
  readonly latest: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  /** The same as `max`. */
  readonly slowest: number
}

/** The nearest-rank percentile of sorted numbers. */
export const percentile = (sorted: readonly number[], p: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * p) - 1)] ?? 0

export function summarize(
  observations: readonly MetricObservation[],
  totals: Pick<MetricSummary, 'count' | 'failures'>,
): MetricSummary {
  const sorted = observations.map(({ value }) => value).sort((a, b) => a - b)
  const sum = sorted.reduce((total, value) => total + value, 0)
  const latest = observations.reduce<MetricObservation | undefined>(
    (found, one) => (found === undefined || one.order > found.order ? one : found),
    undefined,
  )
  const max = sorted.at(-1) ?? 0
  return {
    ...totals,
    average: sorted.length ? sum / sorted.length : 0,
    min: sorted[0] ?? 0,
    max,
    latest: latest?.value ?? 0,
    p50: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    slowest: max,
  }
}
