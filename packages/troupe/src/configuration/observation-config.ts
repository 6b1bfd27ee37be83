/** The configuration of logs, traces, health, alerts and exports. */
import {
  checkFlag,
  checkName,
  checkOptions,
  type Duration,
  type FetchPort,
  invalidInput,
  listOf,
  milliseconds,
  objectOf,
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

/** The options of `createTroupe` for logs, traces, health, alerts and exports. */
export interface ObservationConfig {
  /** The log: a level, or more options. Lines of level `warn` and above go to standard error by default. */
  readonly log?: LogLevel | LogConfig
  /** The traces: stored in the database, without content, for one week by default; `false` stores none. */
  readonly traces?: false | TracesConfig
  /** The health checks, by default with the bounds of `HealthConfig`. */
  readonly health?: HealthConfig
  /**
   * The alerts: the predefined rules and those of the application, reported to the log and to the recipients in `to`;
   * `false` evaluates no rule.
   */
  readonly alerts?: false | AlertsConfig
  /** Reports work without progress by the event `work.stalled`; `false` turns it off. */
  readonly watchdog?:
    | false
    | {
        /** The time without progress after which work is reported; 5 min by default, 1 s at least. */
        readonly after?: Duration
      }
  /** A collector of OpenTelemetry, to which spans and metrics are sent too; none by default. */
  readonly otlp?: OtlpConfig
  /** Sends the requests of exports and webhooks; by default each may go only to its configured host. */
  readonly fetch?: FetchPort
}

/** The option `traces` of `createTroupe`. */
export interface TracesConfig {
  /** The age at which traces are deleted; one week by default. */
  readonly retention?: Duration
  /** The maximal number of stored traces per user; 1,000 by default. */
  readonly max?: number
  /** `false` stores no traces, for applications that only export them; true by default. */
  readonly store?: boolean
  /** Adds prompts, answers, arguments and results to the spans; false by default. */
  readonly content?: boolean
}

/** The option `health` of `createTroupe`: the bounds of the built-in checks. */
export interface HealthConfig {
  /**
   * The interval at which the checks are executed and changes reported by `health.changed`, 1 s at least; by default
   * they are executed only on request.
   */
  readonly every?: Duration
  /** The used share of the memory above which the troupe is degraded, above 0 and at most 1; 0.9 by default. */
  readonly memory?: number
  /** The used share of the disk above which the troupe is degraded, above 0 and at most 1; 0.9 by default. */
  readonly disk?: number
  /**
   * The delay of timers, and of answers of the context and messages, above which the troupe is degraded; 1 s by
   * default.
   */
  readonly lag?: Duration
  /** The number of messages waiting in one mailbox above which the troupe is degraded; 1,000 by default. */
  readonly queue?: number
}

export type HealthBounds = Required<Omit<HealthConfig, 'every'>>
export const healthBounds: HealthBounds = { memory: 0.9, disk: 0.9, lag: '1s', queue: 1_000 }

/** The option `alerts` of `createTroupe`. */
export interface AlertsConfig {
  /** Rules of the application; none by default. A rule with the name of a predefined one replaces it. */
  readonly rules?: readonly AlertRule[]
  /** False omits the predefined rules; true by default. */
  readonly defaults?: boolean
  /** The interval at which the rules are evaluated; 15 s by default, 1 s at least. */
  readonly every?: Duration
  /** The recipients of alerts, besides the log; none by default. */
  readonly to?: readonly AlertTarget[]
}
/**
 * A recipient of alerts: an agent, which gets an urgent message of type `alert`, or a webhook, which gets a POST of
 * JSON.
 */
export type AlertTarget =
  | {
      /** The user of the agent. */
      readonly user: string
      /** The name of the agent. */
      readonly agent: string
    }
  | {
      /** The URL to which alerts are posted. */
      readonly webhook: Webhook
    }

/** @throws ValidationError */
export function checkObservation(config: ObservationConfig): void {
  const { log, traces, health = {}, alerts, watchdog, otlp, fetch } = config
  if (log !== undefined) checkLogConfig(log)
  if (traces) checkTraces(traces)
  checkHealth(health)
  if (alerts) checkAlerts(alerts)
  if (watchdog) {
    checkOptions('watchdog', watchdog, ['after'])
    if (watchdog.after !== undefined) milliseconds(watchdog.after, 'watchdog.after', '1s')
  }
  if (otlp !== undefined) checkOtlp(otlp)
  if (fetch !== undefined && typeof fetch !== 'function') throw invalidInput('fetch', 'it must be a function')
}

function checkTraces(traces: TracesConfig): void {
  checkOptions('traces', traces, ['retention', 'max', 'store', 'content'])
  if (traces.retention !== undefined) milliseconds(traces.retention, 'traces.retention')
  for (const flag of ['store', 'content'] as const)
    if (traces[flag] !== undefined) checkFlag(`traces.${flag}`, traces[flag])
  const { max = 1 } = traces
  if (!(Number.isSafeInteger(max) && max >= 1)) throw invalidInput('traces.max', 'it must be a whole number from 1')
}

function checkHealth(health: HealthConfig): void {
  checkOptions('health', health, ['every', 'memory', 'disk', 'lag', 'queue'])
  if (health.every !== undefined) milliseconds(health.every, 'health.every', '1s')
  if (health.lag !== undefined) milliseconds(health.lag, 'health.lag', '1ms')
  for (const share of ['memory', 'disk'] as const) {
    const value = health[share] ?? 1
    if (!(value > 0 && value <= 1)) throw invalidInput(`health.${share}`, 'it must be a share above 0, at most 1')
  }
  const { queue = 1 } = health
  if (!(Number.isSafeInteger(queue) && queue >= 1))
    throw invalidInput('health.queue', 'it must be a whole number from 1')
}

function checkAlerts(alerts: AlertsConfig): void {
  checkOptions('alerts', alerts, ['rules', 'defaults', 'every', 'to'])
  if (alerts.every !== undefined) milliseconds(alerts.every, 'alerts.every', '1s')
  if (alerts.defaults !== undefined) checkFlag('alerts.defaults', alerts.defaults)
  listOf('alerts.rules', alerts.rules ?? [])
  const names = rulesOf(alerts).map((rule) => checkRule(rule).name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw invalidInput('alerts.rules', `two rules have the name ${twice}`)
  for (const target of listOf('alerts.to', alerts.to ?? [])) {
    checkOptions('alerts.to', target, 'webhook' in Object(target) ? ['webhook'] : ['user', 'agent'])
    if ('webhook' in target) {
      checkWebhook(target.webhook)
      continue
    }
    for (const kind of ['user', 'agent'] as const) {
      if (target[kind] === undefined) throw invalidInput('alerts.to', `it names no ${kind}`)
      checkName(kind, target[kind])
    }
  }
}

function checkWebhook(webhook: Webhook): void {
  checkOptions('alerts.to.webhook', webhook, ['url', 'headers'])
  for (const value of Object.values(objectOf('alerts.to.webhook.headers', webhook.headers ?? {})))
    if (typeof value !== 'string') throw invalidInput('alerts.to.webhook.headers', 'each must be a text')
  if (!URL.canParse(webhook.url) || !/^https?:$/.test(new URL(webhook.url).protocol))
    throw invalidInput('alerts.to.webhook', 'it is not an address of http or https')
}

/** Returns the rules: one of the application replaces a predefined one with its name. */
export function rulesOf({ rules = [], defaults = true }: AlertsConfig): readonly AlertRule[] {
  const own = new Set(rules.map(({ name }) => name))
  return defaults ? [...defaultRules.filter(({ name }) => !own.has(name)), ...rules] : rules
}
