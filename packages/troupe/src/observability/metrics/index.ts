/** Metrics: counters, values and durations in bounded memory, and their export. */
export { eventAmounts, eventLabels } from './event-metrics.ts'
export { exposedName, type Family, familiesOf } from './families.ts'
export type { GaugeReading, Metric, MetricKind } from './metric.ts'
export { countedNames, gaugeNames, isPublished, unitOf, unknownMetric } from './metric-names.ts'
export { createMetricStore, type MetricStore, type StoredMetricSummary } from './metric-store.ts'
export { metricMigration, metricTable } from './metric-tables.ts'
export {
  checkLabels,
  checkMetric,
  type GaugeRead,
  MetricsCollector,
  type RecordOptions,
  type RunningTimer,
  type SummaryOptions,
} from './metrics-collector.ts'
export { bucketBounds, type Labels, type MetricObservation, type Series } from './series.ts'
export { type MetricSummary, percentile } from './summarize.ts'
export { createUserMetrics, type UserMetrics } from './user-metrics.ts'
