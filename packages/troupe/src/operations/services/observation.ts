/** Assembles the observation of a troupe: traces, alerts, the watchdog, exports, and their intervals. */

import {
  type AlertTarget,
  type HealthBounds,
  healthBounds,
  type ObservationConfig,
  rulesOf,
  type TracesConfig,
} from '../../configuration/index.ts'
import {
  type FetchPort,
  hasSystemTimers,
  milliseconds,
  PeriodicTask,
  type Platform,
  reportCallback,
  type UserId,
} from '../../core/index.ts'
import { defineMessage, type Mailboxes } from '../../messaging/index.ts'
import {
  type AlertSink,
  Alerts,
  createTracer,
  createTraceStore,
  createWebhook,
  HealthMonitor,
  type Log,
  LoopLag,
  logEvents,
  logFailures,
  type MetricsCollector,
  OtlpExporter,
  Performance,
  type SpanTracer,
  type TraceStore,
  Traces,
  type TracesParts,
  Watchdog,
} from '../../observability/index.ts'
import { Access } from '../../security/index.ts'
import type { Storage } from '../../storage/index.ts'

export interface ObservationParts {
  readonly platform: Platform
  readonly storage: Storage
  readonly log: Log
  readonly metrics: MetricsCollector
  /** Sends to the addresses of the configuration. */
  readonly fetch: FetchPort
  /** Removes secrets and personal data from content. */
  readonly redact: (text: string) => string
}

/** The message type of an alert for an agent. */
const AlertMessage = defineMessage('alert')

const boundsOf = ({ retention = '7d', max = 1_000 }: TracesConfig) => ({
  retentionMs: milliseconds(retention, 'traces.retention'),
  max,
})

/** Sends alerts into the mailboxes of agents. */
export const createAgentAlertSink =
  (mailboxes: Mailboxes) =>
  ({ user, agent }: Agents): AlertSink => {
    const messages = mailboxes.messages({ user, agent: 'Alerts', access: new Access() })
    return { notify: (alert) => messages.send(AlertMessage, { ...alert }, { to: agent, priority: 'urgent' }) }
  }

type Agents = Exclude<AlertTarget, { readonly webhook: unknown }>
const cleanupIntervalMs = 60_000
/** The number of traces that one change deletes. */
const cleanupLimit = 200

export class Observation {
  readonly performance: Performance
  readonly health: HealthMonitor
  readonly lag: LoopLag
  readonly watchdog: Watchdog | undefined
  readonly alerts: Alerts
  readonly store: TraceStore | undefined
  readonly tracer: SpanTracer | undefined
  readonly #parts: ObservationParts
  readonly #createAgentSink: (target: Agents) => AlertSink
  #config: ObservationConfig
  readonly #otlp: OtlpExporter | undefined
  readonly #alerting: PeriodicTask
  readonly #cleanup: PeriodicTask

  /** @param createAgentSink sends an alert to an agent */
  constructor(config: ObservationConfig, parts: ObservationParts, createAgentSink: (target: Agents) => AlertSink) {
    this.#parts = parts
    this.#config = config
    this.#createAgentSink = createAgentSink
    const { platform, storage, metrics, log, redact } = parts
    const { clock, random, ids, events } = platform
    const { traces = {}, watchdog = {}, otlp, fetch = parts.fetch } = config
    const failed = (what: string) => (error: unknown) => log.warn(what, { error: error as Error })
    this.performance = new Performance(clock, metrics)
    this.lag = new LoopLag(clock)
    this.health = new HealthMonitor({
      clock,
      changed: (status, before) => events.emit({ type: 'health.changed', at: clock.now(), status, before }),
      failed: (name, error) => reportCallback(platform, { callback: 'health check', name }, error),
    })
    this.watchdog = watchdog
      ? new Watchdog({ clock, events, afterMs: milliseconds(watchdog.after ?? '5m', 'watchdog.after') })
      : undefined
    this.#otlp = otlp
      ? new OtlpExporter(otlp, { clock, random, fetch, metrics, failed: failed('the export of metrics failed') })
      : undefined
    this.store =
      traces && traces.store !== false ? createTraceStore({ storage, clock, ids, ...boundsOf(traces) }) : undefined
    const sinks = [...(this.store ? [this.store] : []), ...(this.#otlp ? [this.#otlp] : [])]
    this.tracer =
      traces && sinks.length > 0
        ? createTracer({
            clock,
            events,
            sinks,
            content: traces.content === true,
            redact,
            failed: failed('spans were lost'),
          })
        : undefined
    this.alerts = new Alerts({
      clock,
      events,
      metrics,
      ...this.#alertOptionsOf(config),
      failed: (error, name) => reportCallback(platform, { callback: 'alert channel', name }, error),
    })
    this.#alerting = this.#task('alerts', milliseconds('15s', 'alerts.every'), async () => {
      this.watchdog?.check()
      await this.alerts.evaluate()
    })
    this.#cleanup = this.#task('cleanup', cleanupIntervalMs, async () => void (await this.store?.cleanup(cleanupLimit)))
    logEvents(events, log)
    logFailures(events, log)
    metrics.gauge('eventLoop.lag', () => this.lag.worstMs)
    metrics.gauge('uptime', () => metrics.uptimeMs)
    metrics.gauge('traces.dropped', () => this.tracer?.dropped ?? 0)
    metrics.gauge('alerts.active', () => this.alerts.active().length)
  }

  /** The thresholds of health checks. */
  get bounds(): HealthBounds {
    return { ...healthBounds, ...this.#config.health }
  }

  start(): void {
    const { health, traces } = this.#config
    // With a virtual clock no timer is late, and each advance would stop at this timer, so it needs an explicit threshold.
    if (hasSystemTimers(this.#parts.platform.clock) || health?.lag !== undefined) this.lag.start()
    this.#otlp?.start()
    if (health?.every !== undefined) this.health.start(health.every)
    this.#scheduleAlerts()
    if (traces !== false && this.store) this.#cleanup.start()
  }

  /** Applies from the next check on. */
  configure(config: ObservationConfig): void {
    const before = this.#config
    this.#config = config
    if (config.traces !== false) this.store?.setRetention(boundsOf(config.traces ?? {}))
    const every = config.health?.every
    if (every !== undefined && every !== before.health?.every) this.health.start(every)
    if (config.alerts === before.alerts) return
    this.alerts.configure(this.#alertOptionsOf(config))
    this.#scheduleAlerts()
  }

  #alertOptionsOf({ alerts = {}, fetch = this.#parts.fetch }: ObservationConfig) {
    const { clock, random } = this.#parts.platform
    if (!alerts) return { rules: [], sinks: [] }
    const sinks = (alerts.to ?? []).map((to) =>
      'webhook' in to ? createWebhook(to.webhook, { clock, random, fetch }) : this.#createAgentSink(to),
    )
    return { rules: rulesOf(alerts), sinks }
  }

  #scheduleAlerts(): void {
    const { alerts } = this.#config
    const every = alerts ? alerts.every : undefined
    this.#alerting.setInterval(milliseconds(every ?? '15s', 'alerts.every'))
    this.#alerting.start()
  }

  /** @param ofRun returns the trace of a run of the user */
  traces(user: UserId, ofRun: TracesParts['ofRun']): Traces {
    const { clock, events, ids } = this.#parts.platform
    const flush = async () => this.tracer?.flush()
    return new Traces({ clock, events, ids, store: this.store, flush, ofRun }, user)
  }

  /** Drops unsaved data of the user, and waits for data that is being stored. */
  async forget(user: UserId): Promise<void> {
    this.tracer?.forget(user)
    await this.tracer?.flush()
  }

  async stop(): Promise<void> {
    const closed = Promise.all([this.#alerting.close(), this.#cleanup.close()])
    this.lag.stop()
    this.health.stop()
    this.watchdog?.close()
    this.#otlp?.hurry()
    await closed
    await this.alerts.close()
    await this.tracer?.close()
    await this.#otlp?.close()
  }

  #task(name: string, intervalMs: number, run: () => Promise<void>): PeriodicTask {
    const { platform, log } = this.#parts
    const failed = (error: unknown) =>
      log.warn(`the periodic task of observation failed: ${name}`, { error: error as Error })
    return new PeriodicTask({ name, clock: platform.clock, intervalMs, run, failed })
  }
}
