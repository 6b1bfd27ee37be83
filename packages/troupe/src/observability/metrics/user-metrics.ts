/** The metrics of one user, for the application, an agent and a step: the same names as in `troupe.metrics`. */
import { capture, type UserId } from '../../core/index.ts'
import type { MetricStore, StoredMetricSummary } from './metric-store.ts'
import type { MetricsCollector, RecordOptions, SummaryOptions } from './metrics-collector.ts'

/** The metrics of one user, for the application, an agent and a step. */
export interface UserMetrics {
  /**
   * Records a value of any unit. It is added to the sums of its minute, which are stored for `retention.metrics`, 7 days by
   * default, and to `troupe.metrics` of this process, which alert rules and Prometheus read. In a step it is stored with the
   * turn, once however often the step is executed.
   * @throws ValidationError for a name, value or label that is not allowed; AccessDeniedError where the agent may not push
   * @example await ctx.metrics.record('response_time', 0.4, { labels: { route: 'orders' } })
   */
  record(name: string, value: number, options?: RecordOptions): Promise<void>
  /**
   * Returns what was recorded in all processes within the window, whole minutes of it; of all that is stored by default.
   * @throws NotFoundError `metric.unknown` with the nearest name; AccessDeniedError where the agent may not read
   * @example const { count, average, max } = await ada.metrics.summary('response_time', { window: '5m' })
   */
  summary(name: string, options?: SummaryOptions): Promise<StoredMetricSummary>
  /** Returns the names under which something is stored, 1,000 at most. */
  names(): Promise<readonly string[]>
}

export interface UserMetricsParts {
  readonly store: MetricStore
  readonly metrics: MetricsCollector
  /** Throws where the caller may not. */
  readonly checkRight?: (action: 'record' | 'read') => void
}

export function createUserMetrics(
  { store, metrics, checkRight = () => {} }: UserMetricsParts,
  user: UserId,
): UserMetrics {
  return {
    async record(name, value, options = {}) {
      checkRight('record')
      const captured = capture(options)
      await store.record(user, name, value, captured)
      metrics.record(name, value, captured)
    },
    async summary(name, options = {}) {
      checkRight('read')
      return store.summary(user, name, options)
    },
    async names() {
      checkRight('read')
      return store.names(user)
    },
  }
}
