/** Checks of logs, alerts, traces and metrics. */

import { rulesOf } from '../../../configuration/index.ts'
import { nextMacrotask, systemClock } from '../../../core/index.ts'
import { checkLogConfig, speaks } from '../../../observability/index.ts'
import { counted, fail, isAtWork, isServed, listNames, pass, settingSourceOf, short, warn } from '../doctor-subject.ts'
import { failing } from './agent-checks.ts'
import type { CheckFunctions } from './check-functions.ts'

const watched = ['memory', 'disk', 'eventLoop']

export const observationChecks = {
  async 'health.good'({ parts }) {
    const { status, checks } = await parts.observability.observation.health.report()
    const ill = checks.filter((check) => check.status !== 'healthy')
    if (ill.length === 0) return pass(`Healthy: ${checks.map(({ name }) => name).join(', ')}.`)
    const seen = ill.map(
      ({ name, status, message }) =>
        `${name} is ${status}${message === undefined ? '' : `: ${message.replace(/\.$/, '')}`}`,
    )
    const remedy = 'docs/health.md describes each check; `troupe health` repeats them.'
    return status === 'unhealthy' ? fail(`${seen.join('; ')}.`, remedy) : warn(`${seen.join('; ')}.`, remedy)
  },

  'health.watched'(subject) {
    const { every } = subject.config.health ?? {}
    if (every !== undefined) return pass(`The checks run every ${every}, and changes are events.`)
    if (isServed(subject)) return pass('The server answers probes at /ready, which run the checks.')
    return warn(
      'The checks run only on request.',
      "Set health: { every: '60s' }, or start the server and probe /ready.",
    )
  },

  'alerts.delivered'(subject) {
    const { alerts, otlp } = subject.config
    if (alerts === false) return short(subject, 'Alerts are off.', 'Remove alerts: false.')
    const rules = rulesOf(alerts ?? {})
    const to = alerts?.to ?? []
    if (to.length > 0) return pass(`${counted(rules.length, 'rule')}, sent to ${counted(to.length, 'recipient')}.`)
    const seen = `${counted(rules.length, 'rule')}, sent only to the log${otlp ? ', and as metrics to a collector' : ''}.`
    return short(
      subject,
      seen,
      "Set alerts: { to: [{ webhook: { url: 'https://…' } }] }, or { user, agent } for an agent; deploy/prometheus has the same rules.",
    )
  },

  'alerts.quiet'({ parts }) {
    const { observation, metrics } = parts.observability
    const active = observation.alerts?.active() ?? []
    const tools = metrics.summary('tool.called')
    const models = metrics.summary('model.called')
    const seen = `${tools.failures} of ${tools.count} tool calls and ${models.failures} of ${models.count} model calls failed since the troupe was opened.`
    const remedy = 'The log has the failures; see `troupe runs list --status failed`, then `troupe runs why ID`.'
    if (active.length > 0) return warn(`Raised: ${listNames(active)}. ${seen}`, remedy)
    return failing(tools) || failing(models) ? warn(seen, remedy) : pass(seen)
  },

  'metrics.read'(subject) {
    const { otlp } = subject.config
    if (otlp) return pass(`Metrics are exported to a collector every ${otlp.every ?? '60s'}.`)
    if (isServed(subject)) return pass('Prometheus can read the metrics of the server at /metrics.')
    const remedy = "Start the server, whose /metrics Prometheus reads, or set otlp: { url: 'http://localhost:4318' }."
    if (!isAtWork(subject)) return warn('The troupe is not running now, and no collector is configured.', remedy)
    return short(subject, 'The metrics are counted, but not exported.', remedy)
  },

  async 'logs.failures'(subject) {
    const { log } = subject.parts.observability
    const configured = checkLogConfig(subject.config.log ?? {}).level ?? 'warn'
    const remedy = "Set log to 'error' or a more detailed level, and a destination that accepts each line."
    // A command that inspects an installation opens with a silent log, so the configured level is checked.
    const level = isAtWork(subject) ? log.level : configured
    if (!speaks(level, 'error')) return fail(`The level is ${level}: failures are not logged.`, remedy)
    if (!isAtWork(subject))
      return pass(`The level is ${level}. The troupe is not running here, so no test line was written.`)
    const before = log.lines?.written ?? 0
    log.error('a test line of the doctor; nothing failed', { doctor: true })
    // A destination may take the line, and reject it, a moment later.
    await nextMacrotask(systemClock)
    const { written = 0, lost = 0 } = log.lines ?? {}
    const seen = `The level is ${level}; ${written} lines were written since the troupe was opened, ${lost} were lost`
    if (written <= before) return fail(`${seen}. A test line at level error did not arrive.`, remedy)
    return lost > 0 ? fail(`${seen}.`, remedy) : pass(`${seen}; a test line at level error arrived.`)
  },

  'logs.configured'(subject) {
    const { debug } = subject.config
    const { level = 'warn', format = 'auto', destination } = checkLogConfig(subject.config.log ?? {})
    const from = settingSourceOf(subject, 'log')
    if (level === 'silent')
      return short(subject, `The log is silent, by ${from}.`, "Set log: 'info', or TROUPE_LOG=info.")
    if (debug || (level === 'debug' && subject.production))
      return warn(
        `The log level is debug, by ${from}.`,
        "Set log: 'info', so that important lines are not lost among others.",
      )
    if (format === 'pretty' && subject.production)
      return warn('The format is for people, and collectors cannot read it.', "Set log: { format: 'json' }.")
    const where = destination ? 'the configured destination' : 'standard error'
    return pass(
      `Level ${level} and above, as ${format === 'pretty' ? 'text' : 'JSON lines'}, to ${where}, each with its run, step and trace.`,
    )
  },

  'traces.stored'(subject) {
    const { traces, otlp } = subject.config
    if (traces === false || (traces?.store === false && !otlp))
      return short(subject, 'Traces are neither stored nor exported.', 'Remove traces: false, or set otlp.')
    const stored = traces?.store === false ? undefined : `stored for ${traces?.retention ?? '7d'}`
    const sent = otlp ? 'exported to a collector' : undefined
    return pass(
      `Traces are ${[stored, sent].filter(Boolean).join(' and ')}${traces?.content ? ', with content' : ', without content'}.`,
    )
  },

  async 'resources.watched'({ parts }) {
    const { checks } = await parts.observability.observation.health.report()
    const watchedChecks = checks.filter(({ name }) => watched.includes(name))
    const ill = watchedChecks.filter(({ status }) => status !== 'healthy')
    if (watchedChecks.length === 0)
      return warn(
        'Memory, disk and timers are not checked, because the troupe has a clock of its own.',
        'Open the troupe without the option clock.',
      )
    if (ill.length > 0)
      return warn(
        `${ill.map(({ name, message = 'not healthy' }) => `${name}: ${message}`).join('; ')}.`,
        'Add resources, or reduce the load: lower concurrency, shorter retention, a second process on PostgreSQL.',
      )
    return pass(`Within the limits: ${watchedChecks.map(({ name }) => name).join(', ')}.`)
  },
} satisfies Partial<CheckFunctions>
