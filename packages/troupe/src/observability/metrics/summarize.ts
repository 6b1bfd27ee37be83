/** Summarises the values of a metric. */
import type { MetricObservation } from './series.ts'

/** The summary of a metric. Without values, all fields are 0. Values of timers are in ms. */
export interface MetricSummary {
  /**
   * The number of increments and observations since the start, or within the window, in whole seconds. Of a window, the
   * latest 1,000 seconds with counts are known.
   */
  readonly count: number
  /** The number of those that were failures. */
  readonly failures: number
  /** The mean of the latest 1,000 values of each series. */
  readonly average: number
  /** The least of these values. */
  readonly min: number
  /** The greatest of these values. */
  readonly max: number
  /** The last recorded value. */
  readonly latest: number
  /** The 50th percentile of these values (nearest rank). */
  readonly p50: number
  /** The 95th percentile of these values. */
  readonly p95: number
  /** The 99th percentile of these values. */
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
