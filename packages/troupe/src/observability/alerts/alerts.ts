/**
 * Evaluates alert rules at intervals, and reports once when a rule is violated for long enough, and once when it is not
 * any more. Two thresholds and a duration prevent rapid changes.
 */
import { type Clock, type Events, milliseconds } from '../../core/index.ts'
import { withTimeLimit } from '../../resilience/index.ts'
import { isPublished, type MetricsCollector } from '../metrics/index.ts'
import { type AlertRule, type CheckedRule, checkRule } from './alert-rule.ts'

/** A report of an alert rule. */
export interface Alert {
  /** The name of the rule. */
  readonly alert: string
  /** `raised`: the rule is violated; `cleared`: it is not any more. */
  readonly state: 'raised' | 'cleared'
  /** The severity of the rule. */
  readonly severity: 'warning' | 'critical'
  /** The name of the metric. */
  readonly metric: string
  /** The statistic of the metric that the rule compares. */
  readonly statistic: string
  /** The value of the statistic at that time. */
  readonly value: number
  /** The threshold of the rule. */
  readonly threshold: number
  /** The time of the report, in ms since 1970. */
  readonly at: number
}

/** A recipient of alerts, such as an agent or a webhook. An error is logged, and delays no other recipient. */
export interface AlertSink {
  notify(alert: Alert): Promise<unknown>
}

const lastMs = 5_000

interface State {
  readonly rule: CheckedRule
  raised: boolean
  /** The monotonic time since which the value is on the other side of the threshold. */
  since: number | undefined
}

export interface AlertsParts {
  readonly clock: Clock
  readonly events: Events
  readonly metrics: MetricsCollector
  readonly rules: readonly AlertRule[]
  readonly sinks: readonly AlertSink[]
  readonly failed: (error: unknown, alert: string) => void
}

export class Alerts {
  readonly #parts: AlertsParts
  #states: readonly State[] = []
  #sinks: readonly AlertSink[] = []
  readonly #sending = new Set<Promise<void>>()

  /** @throws ValidationError for an invalid rule */
  constructor(parts: AlertsParts) {
    this.#parts = parts
    this.configure(parts)
  }

  /**
   * Replaces the rules and recipients. An alert that was raised under a name stays raised until its new rule clears it.
   * @throws ValidationError for an invalid rule
   */
  configure({ rules, sinks }: Pick<AlertsParts, 'rules' | 'sinks'>): void {
    const raised = new Set(this.active())
    this.#states = rules.map((rule) => ({ rule: checkRule(rule), raised: raised.has(rule.name), since: undefined }))
    this.#sinks = sinks
  }

  /** Returns the names of the raised alerts. */
  active(): readonly string[] {
    return this.#states.filter(({ raised }) => raised).map(({ rule }) => rule.name)
  }

  /** Evaluates all rules now. */
  async evaluate(): Promise<void> {
    const gauges = await this.#parts.metrics.readGauges()
    for (const state of this.#states) {
      const value = this.#valueOf(state.rule, gauges)
      // Without a value the alert stays as it is.
      if (value !== undefined) this.#judge(state, value)
    }
  }

  /** Waits for reports in progress, for 5 s at most: a webhook that gives no answer must not delay the close of a troupe. */
  async close(): Promise<void> {
    const { clock } = this.#parts
    const limit = { clock, limitMs: lastMs, kind: 'own', what: 'The close of alerts', signal: undefined }
    await withTimeLimit(limit, () => Promise.all(this.#sending)).catch(() => {})
  }

  #valueOf(rule: CheckedRule, gauges: Awaited<ReturnType<MetricsCollector['readGauges']>>): number | undefined {
    const { metric, statistic, labels, window, minCount, rising } = rule
    if (statistic === 'value') {
      const values = gauges
        .filter((gauge) => gauge.name === metric)
        .filter((gauge) => Object.entries(labels).every(([name, value]) => gauge.labels[name] === value))
        .map(({ value }) => value)
      if (values.length === 0) return undefined
      return rising ? Math.max(...values) : Math.min(...values)
    }
    // The application has not recorded it yet.
    if (!isPublished(metric) && !this.#parts.metrics.names().includes(metric))
      return statistic === 'count' || statistic === 'perSecond' ? 0 : undefined
    const summary = this.#parts.metrics.summary(metric, { window, labels })
    if (statistic === 'count') return summary.count
    if (statistic === 'perSecond') return (summary.count * 1_000) / milliseconds(window, 'window')
    if (summary.count < minCount) return undefined
    return statistic === 'errorRate' ? summary.failures / summary.count : summary[statistic]
  }

  #judge(state: State, value: number): void {
    const { rule, raised } = state
    const beyond = (bound: number) => (rule.rising ? value > bound : value < bound)
    const other = raised ? !beyond(rule.clear) : beyond(rule.threshold)
    if (!other) {
      state.since = undefined
      return
    }
    const now = this.#parts.clock.monotonic()
    state.since ??= now
    if (now - state.since < rule.forMs) return
    state.raised = !raised
    state.since = undefined
    this.#emit(rule, state.raised, value)
  }

  #emit({ name, severity, metric, statistic, threshold }: CheckedRule, raised: boolean, value: number): void {
    const { clock, events, failed } = this.#parts
    const fields = { alert: name, severity, metric, statistic, value, threshold, at: clock.now() }
    events.emit({ type: raised ? 'alert.raised' : 'alert.cleared', ...fields })
    const alert: Alert = { ...fields, state: raised ? 'raised' : 'cleared' }
    for (const sink of this.#sinks) {
      const sending = sink
        .notify(alert)
        .catch((error: unknown) => failed(error, name))
        .then(() => void this.#sending.delete(sending))
      this.#sending.add(sending)
    }
  }
}
