/** When a figure is worth waking somebody, and the rules that everybody has. */
import { checkName, checkOptions, type Duration, failure, milliseconds, nearest } from '../../core/index.ts'
import { isPublished, type Labels, unknownMetric } from '../metrics/index.ts'

/** What of a metric is looked at; `value` is that of a gauge. */
const statistics = [
  'value',
  'count',
  'perSecond',
  'errorRate',
  'average',
  'min',
  'max',
  'latest',
  'p50',
  'p95',
  'p99',
] as const
export type AlertStatistic = (typeof statistics)[number]

export interface AlertRule {
  readonly name: string
  /** A metric of docs/metrics.md, or with `own` one of the application's. Of timers in ms. */
  readonly metric: string
  /** The application records the metric: its name need not be a published one; false by default. */
  readonly own?: boolean
  readonly statistic: AlertStatistic
  /** Only series with these labels; of a gauge the highest that has them (the lowest with `below`). */
  readonly labels?: Labels
  /** What is looked at of the past; 5 min by default. */
  readonly window?: Duration
  /** Raised beyond this, or with `below` under that. One of the two. */
  readonly above?: number
  readonly below?: number
  /** Cleared only on the other side of this; a tenth away from the threshold by default. */
  readonly clear?: number
  /** It must be so for so long before it is raised, and as long before it is cleared; at once by default. */
  readonly for?: Duration
  /** Fewer values say nothing; 1 by default. */
  readonly minCount?: number
  readonly severity?: 'warning' | 'critical'
}

/** As it is worked with. */
export interface CheckedRule {
  readonly name: string
  readonly metric: string
  readonly statistic: AlertStatistic
  readonly labels: Labels
  readonly window: Duration
  readonly threshold: number
  readonly clear: number
  readonly rising: boolean
  readonly forMs: number
  readonly minCount: number
  readonly severity: 'warning' | 'critical'
}

/** Shipped: the thresholds that guides give. `memory.used` and `disk.used` are shares of 1. */
export const defaultRules: readonly AlertRule[] = [
  { name: 'slow-calls', metric: 'tool.called', statistic: 'average', above: 1_000, minCount: 10 },
  { name: 'failing-calls', metric: 'tool.called', statistic: 'errorRate', above: 0.05, minCount: 20 },
  { name: 'slow-steps', metric: 'step.released', statistic: 'p99', above: 5_000, minCount: 20, for: '1m' },
  { name: 'failing-models', metric: 'model.called', statistic: 'errorRate', above: 0.05, minCount: 20 },
  { name: 'memory', metric: 'memory.used', statistic: 'value', above: 0.8, for: '1m' },
  { name: 'memory-critical', metric: 'memory.used', statistic: 'value', above: 0.9, for: '1m', severity: 'critical' },
  { name: 'audit-rolled-back', metric: 'audit.rolled-back', statistic: 'count', above: 0, severity: 'critical' },
  { name: 'queue', metric: 'mailbox.waiting', statistic: 'value', above: 1_000, for: '1m' },
]

const options = [
  'name',
  'metric',
  'own',
  'statistic',
  'labels',
  'window',
  'above',
  'below',
  'clear',
  'for',
  'minCount',
  'severity',
]

/** @throws ValidationError naming what is wrong; NotFoundError `metric.unknown` */
export function checkRule(rule: AlertRule): CheckedRule {
  checkOptions('alerts.rules', rule, options)
  const { above, below, labels = {}, window = '5m', minCount = 1, severity = 'warning' } = rule
  const wrong = (problem: string) => failure('validation.failed', { what: `The alert ${rule.name}`, problem })
  checkName('alert', rule.name)
  if (typeof rule.metric !== 'string' || rule.metric === '') throw wrong('it names no metric')
  if (rule.own !== undefined && typeof rule.own !== 'boolean') throw wrong('own is true or false')
  if (!rule.own && !isPublished(rule.metric)) throw unknownMetric(rule.metric, [])
  if (!statistics.includes(rule.statistic))
    throw wrong(
      `its figure is not one of ${statistics.join(', ')}; did you mean ${nearest(String(rule.statistic), statistics) ?? 'value'}?`,
    )
  if ((above === undefined) === (below === undefined)) throw wrong('it has above, or below, and not both')
  const rising = above !== undefined
  const threshold = (above ?? below) as number
  const clear = rule.clear ?? (rising ? threshold - Math.abs(threshold) / 10 : threshold + Math.abs(threshold) / 10)
  if (!Number.isFinite(threshold) || !Number.isFinite(clear)) throw wrong('its thresholds are numbers')
  if (rising ? clear > threshold : clear < threshold) throw wrong('it would be cleared before it is raised')
  if (!Number.isSafeInteger(minCount) || minCount < 1) throw wrong('minCount counts from 1')
  if (severity !== 'warning' && severity !== 'critical') throw wrong('its severity is warning or critical')
  milliseconds(window, 'window', '1ms')
  const forMs = rule.for === undefined ? 0 : milliseconds(rule.for, 'for')
  const { name, metric, statistic } = rule
  return { name, metric, statistic, labels, window, threshold, clear, rising, forMs, minCount, severity }
}
