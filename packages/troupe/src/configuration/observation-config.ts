/** What is said of logs, traces, health, alerts and exports where a troupe is opened. */
import {
  checkFlag,
  checkName,
  checkOptions,
  type Duration,
  type FetchPort,
  failure,
  listOf,
  milliseconds,
} from '../core/index.ts'
import {
  type AlertRule,
  checkLogConfig,
  checkOtlp,
  checkRule,
  defaultRules,
  type LogConfig,
  type LogLevel,
  type OtlpConfig,
  type Webhook,
} from '../observability/index.ts'

export interface ObservationConfig {
  /** A level, or more; goes to standard error, `warn` and worse by default. */
  readonly log?: LogLevel | LogConfig
  /** Traces are kept in the database, without content, for a week; `false` keeps none. */
  readonly traces?: false | TracesConfig
  readonly health?: HealthConfig
  /** The shipped rules and one's own, told to the log and to whom `to` names; `false` looks at none. */
  readonly alerts?: false | AlertsConfig
  /** Work of which nothing is heard for so long is told of, `work.stalled`; 5 min by default. */
  readonly watchdog?: false | { readonly after?: Duration }
  /** Spans and metrics go to a collector of OpenTelemetry too. */
  readonly otlp?: OtlpConfig
  /** What goes out for exports and webhooks goes through this; by default each to the place that it is for and to no other. */
  readonly fetch?: FetchPort
}

export interface TracesConfig {
  /** A week by default. */
  readonly retention?: Duration
  /** Traces kept of one user; 1,000 by default. */
  readonly max?: number
  /** `false` stores none, for those who export them. */
  readonly store?: boolean
  /** Prompts, answers, arguments and results are in the spans; off by default. */
  readonly content?: boolean
}

export interface HealthConfig {
  /** Looks by itself and tells of changes, `health.changed`; only when asked by default. */
  readonly every?: Duration
  /** Share of the memory and of the disk beyond which it is degraded; 0.9 by default. */
  readonly memory?: number
  readonly disk?: number
  /** Lateness of timers, and of answers of the context and messages, beyond which it is degraded; 1 s by default. */
  readonly lag?: Duration
  /** Messages waiting in one mailbox beyond which it is degraded; 1,000 by default. */
  readonly queue?: number
}

export type HealthBounds = Required<Omit<HealthConfig, 'every'>>
export const healthBounds: HealthBounds = { memory: 0.9, disk: 0.9, lag: '1s', queue: 1_000 }

export interface AlertsConfig {
  readonly rules?: readonly AlertRule[]
  /** Without the shipped ones when false. */
  readonly defaults?: boolean
  /** Between two looks; 15 s by default. */
  readonly every?: Duration
  readonly to?: readonly AlertTarget[]
}
/** An agent gets a message of type `alert`, urgent; a webhook a POST of JSON. */
export type AlertTarget = { readonly user: string; readonly agent: string } | { readonly webhook: Webhook }

export const observationOptions = ['log', 'traces', 'health', 'alerts', 'watchdog', 'otlp', 'fetch']

/** @throws ValidationError */
export function checkObservation(config: ObservationConfig): void {
  const { log, traces, health = {}, alerts, watchdog, otlp, fetch } = config
  const wrong = (what: string, problem: string) => failure('validation.failed', { what, problem })
  if (log !== undefined) checkLogConfig(log)
  if (traces) checkTraces(traces)
  checkHealth(health)
  if (alerts) checkAlerts(alerts)
  if (watchdog) {
    checkOptions('watchdog', watchdog, ['after'])
    if (watchdog.after !== undefined) milliseconds(watchdog.after, 'watchdog.after', '1s')
  }
  if (otlp !== undefined) checkOtlp(otlp)
  if (fetch !== undefined && typeof fetch !== 'function') throw wrong('fetch', 'it must be a function')
}

function checkTraces(traces: TracesConfig): void {
  checkOptions('traces', traces, ['retention', 'max', 'store', 'content'])
  if (traces.retention !== undefined) milliseconds(traces.retention, 'traces.retention')
  for (const flag of ['store', 'content'] as const)
    if (traces[flag] !== undefined) checkFlag(`traces.${flag}`, traces[flag])
  const { max = 1 } = traces
  if (!(Number.isSafeInteger(max) && max >= 1))
    throw failure('validation.failed', { what: 'traces.max', problem: 'it must be a whole number from 1' })
}

function checkHealth(health: HealthConfig): void {
  checkOptions('health', health, ['every', 'memory', 'disk', 'lag', 'queue'])
  if (health.every !== undefined) milliseconds(health.every, 'health.every', '1s')
  if (health.lag !== undefined) milliseconds(health.lag, 'health.lag', '1ms')
  for (const share of ['memory', 'disk'] as const) {
    const value = health[share] ?? 1
    if (!(value > 0 && value <= 1))
      throw failure('validation.failed', { what: `health.${share}`, problem: 'it is a share above 0, at most 1' })
  }
  const { queue = 1 } = health
  if (!(Number.isSafeInteger(queue) && queue >= 1))
    throw failure('validation.failed', { what: 'health.queue', problem: 'it must be a whole number from 1' })
}

function checkAlerts(alerts: AlertsConfig): void {
  checkOptions('alerts', alerts, ['rules', 'defaults', 'every', 'to'])
  if (alerts.every !== undefined) milliseconds(alerts.every, 'alerts.every', '1s')
  if (alerts.defaults !== undefined) checkFlag('alerts.defaults', alerts.defaults)
  listOf('alerts.rules', alerts.rules ?? [])
  const names = rulesOf(alerts).map((rule) => checkRule(rule).name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined)
    throw failure('validation.failed', { what: 'alerts.rules', problem: `there are two called ${twice}` })
  for (const target of listOf('alerts.to', alerts.to ?? [])) {
    checkOptions('alerts.to', target, 'webhook' in Object(target) ? ['webhook'] : ['user', 'agent'])
    if ('webhook' in target) continue
    for (const kind of ['user', 'agent'] as const) {
      if (target[kind] === undefined)
        throw failure('validation.failed', { what: 'alerts.to', problem: `it names no ${kind}` })
      checkName(kind, target[kind])
    }
  }
}

/** One's own go before a shipped one of the same name. */
export function rulesOf({ rules = [], defaults = true }: AlertsConfig): readonly AlertRule[] {
  const own = new Set(rules.map(({ name }) => name))
  return defaults ? [...defaultRules.filter(({ name }) => !own.has(name)), ...rules] : rules
}
