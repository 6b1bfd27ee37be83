/** Alert rules, their checks, and the predefined rules. */
import { checkName, checkOptions, type Duration, invalidInput, milliseconds, nearest } from '../../core/index.ts'
import { checkLabels, gaugeNames, isPublished, type Labels, unknownMetric } from '../metrics/index.ts'

/** The statistics of a metric; `value` is that of a gauge. */
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
/**
 * The statistic of a metric that a rule compares. `value` is that of a gauge; `perSecond` and `errorRate` are those of
 * the window.
 */
export type AlertStatistic = (typeof statistics)[number]

/** A rule that raises an alert when a statistic of a metric is out of bounds. */
export interface AlertRule {
  /** The name of the alert; a rule with the name of a predefined one replaces it. */
  readonly name: string
  /** A metric of docs/metrics.md or, with `own`, one of the application's. Values of timers are in ms. */
  readonly metric: string
  /** The application records the metric: its name need not be a published one; false by default. */
  readonly own?: boolean
  /** The statistic that is compared. */
  readonly statistic: AlertStatistic
  /** Only series with these labels. Of several gauges the highest value counts, with `below` the lowest. */
  readonly labels?: Labels
  /** The time that the statistic covers; 5 min by default. Ignored for a gauge. */
  readonly window?: Duration
  /** Raises the alert above this value. A rule has either `above` or `below`. */
  readonly above?: number
  /** Raises the alert below this value. */
  readonly below?: number
  /** Clears the alert only beyond this value; a tenth away from the threshold by default. */
  readonly clear?: number
  /**
   * How long the value must be out of bounds before the alert is raised, and within them before it is cleared; `0s` by
   * default.
   */
  readonly for?: Duration
  /** The least number of values in the window; with fewer the rule is not evaluated. 1 by default. */
  readonly minCount?: number
  /** The severity of the alert; `warning` by default. */
  readonly severity?: 'warning' | 'critical'
}

/** A checked rule with its defaults. */
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

/** The predefined rules. `memory.used` and `disk.used` are shares from 0 to 1. */
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
] as const

/** @throws ValidationError that names the problem; NotFoundError `metric.unknown` */
export function checkRule(rule: AlertRule): CheckedRule {
  checkOptions('alerts.rules', rule, options)
  const { above, below, labels = {}, window = '5m', minCount = 1, severity = 'warning' } = rule
  const wrong = (problem: string) => invalidInput(`The alert ${rule.name}`, problem)
  checkName('alert', rule.name)
  if (typeof rule.metric !== 'string' || rule.metric === '') throw wrong('it names no metric')
  if (rule.own !== undefined && typeof rule.own !== 'boolean') throw wrong('own is true or false')
  if (!rule.own && !isPublished(rule.metric)) throw unknownMetric(rule.metric, [])
  if (!statistics.includes(rule.statistic))
    throw wrong(
      `its statistic is not one of ${statistics.join(', ')}; did you mean ${nearest(String(rule.statistic), statistics) ?? 'value'}?`,
    )
  const isGauge = Object.hasOwn(gaugeNames, rule.metric)
  if (!rule.own && isGauge !== (rule.statistic === 'value'))
    throw wrong(
      `${rule.metric} ${isGauge ? 'is a gauge: its only statistic is' : 'is no gauge: it has no statistic'} value`,
    )
  checkLabels(labels)
  if ((above === undefined) === (below === undefined)) throw wrong('it has above, or below, and not both')
  const rising = above !== undefined
  const threshold = (above ?? below) as number
  const clear = rule.clear ?? (rising ? threshold - Math.abs(threshold) / 10 : threshold + Math.abs(threshold) / 10)
  if (!Number.isFinite(threshold) || !Number.isFinite(clear)) throw wrong('its thresholds must be numbers')
  if (rising ? clear > threshold : clear < threshold) throw wrong('it would be cleared before it is raised')
  if (!Number.isSafeInteger(minCount) || minCount < 1) throw wrong('minCount must be a whole number from 1')
  if (severity !== 'warning' && severity !== 'critical') throw wrong('its severity must be warning or critical')
  milliseconds(window, 'window', '1ms')
  const forMs = rule.for === undefined ? 0 : milliseconds(rule.for, 'for')
  const { name, metric, statistic } = rule
  return { name, metric, statistic, labels, window, threshold, clear, rising, forMs, minCount, severity }
}
