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
    const remedy = 'docs/health.md says what each check looks at; `troupe health` asks again.'
    return status === 'unhealthy' ? fail(`${seen.join('; ')}.`, remedy) : warn(`${seen.join('; ')}.`, remedy)
  },

  'health.watched'(subject) {
    const { every } = subject.config.health ?? {}
    if (every !== undefined) return pass(`It looks every ${every}, and tells of changes.`)
    if (isServed(subject)) return pass('The server answers probes at /live and /ready, which look each time.')
    return warn('It checks only on request.', "Set health: { every: '60s' }, or serve it and have /ready probed.")
  },

  'alerts.delivered'(subject) {
    const { alerts, otlp } = subject.config
    if (alerts === false) return short(subject, 'No figure is looked at.', 'Remove alerts: false.')
    const rules = rulesOf(alerts ?? {})
    const to = alerts?.to ?? []
    if (to.length > 0) return pass(`${counted(rules.length, 'rule')}, told to ${counted(to.length, 'place')}.`)
    const seen = `${counted(rules.length, 'rule')}, told to the log alone${otlp ? ', and to a collector as metrics' : ''}.`
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
    const seen = `Of ${tools.count} calls of tools ${tools.failures} failed, of ${models.count} of models ${models.failures}, since it was opened.`
    const remedy = 'The log says what failed; `troupe runs list --status failed`, then `troupe runs why ID`.'
    if (active.length > 0) return warn(`Raised: ${listNames(active)}. ${seen}`, remedy)
    return failing(tools) || failing(models) ? warn(seen, remedy) : pass(seen)
  },

  'metrics.read'(subject) {
    const { otlp } = subject.config
    if (otlp) return pass(`Sent to a collector every ${otlp.every ?? '60s'}.`)
    if (isServed(subject)) return pass('The server shows them at /metrics, for Prometheus.')
    const remedy = "Serve the troupe, whose /metrics Prometheus reads, or set otlp: { url: 'http://localhost:4318' }."
    if (!isAtWork(subject)) return warn('It is not served at the moment, and no collector is named.', remedy)
    return short(subject, 'They are counted, and nothing reads them.', remedy)
  },

  async 'logs.failures'(subject) {
    const { log } = subject.parts.observability
    const configured = checkLogConfig(subject.config.log ?? {}).level ?? 'warn'
    const remedy = "Set log to 'error' or a level that says more, and a destination that takes each line."
    // A command that inspects an installation opens with a silent log, so the configured level is checked.
    const level = isAtWork(subject) ? log.level : configured
    if (!speaks(level, 'error')) return fail(`The level is ${level}: what fails is not logged.`, remedy)
    if (!isAtWork(subject))
      return pass(`The level is ${level}. The troupe works in no process here, so no line was tried.`)
    const before = log.lines?.written ?? 0
    log.error('a test line of the doctor; nothing failed', { doctor: true })
    // A destination may take the line, and reject it, a moment later.
    await nextMacrotask(systemClock)
    const { written = 0, lost = 0 } = log.lines ?? {}
    const seen = `The level is ${level}; ${written} lines were written since it was opened, ${lost} were lost`
    if (written <= before) return fail(`${seen}. A test line at level error did not arrive.`, remedy)
    return lost > 0 ? fail(`${seen}.`, remedy) : pass(`${seen}; a test line at level error arrived.`)
  },

  'logs.configured'(subject) {
    const { debug } = subject.config
    const { level = 'warn', format = 'auto', destination } = checkLogConfig(subject.config.log ?? {})
    const from = settingSourceOf(subject, 'log')
    if (level === 'silent')
      return short(subject, `It says nothing, by ${from}.`, "Set log: 'info', or TROUPE_LOG=info.")
    if (debug || (level === 'debug' && subject.production))
      return warn(`It says everything, by ${from}.`, "Set log: 'info': what is rare is lost among what is not.")
    if (format === 'pretty' && subject.production)
      return warn('Its lines are for people, and no collector can read them.', "Set log: { format: 'json' }.")
    const where = destination ? 'the sink of the program' : 'standard error'
    return pass(
      `${level} and worse, as ${format === 'pretty' ? 'text' : 'JSON lines'}, to ${where}, each with its run, step and trace.`,
    )
  },

  'traces.stored'(subject) {
    const { traces, otlp } = subject.config
    if (traces === false || (traces?.store === false && !otlp))
      return short(subject, 'No trace is stored or sent.', 'Remove traces: false, or set otlp.')
    const stored = traces?.store === false ? undefined : `stored for ${traces?.retention ?? '7d'}`
    const sent = otlp ? 'sent to a collector' : undefined
    return pass(
      `Traces are ${[stored, sent].filter(Boolean).join(' and ')}${traces?.content ? ', with content' : ', without content'}.`,
    )
  },

  async 'resources.watched'({ parts }) {
    const { checks } = await parts.observability.observation.health.report()
    const watchedChecks = checks.filter(({ name }) => watched.includes(name))
    const ill = watchedChecks.filter(({ status }) => status !== 'healthy')
    if (watchedChecks.length === 0)
      return warn('The machine is not part of the time of this troupe.', 'Open it on the clock of the machine.')
    if (ill.length > 0)
      return warn(
        `${ill.map(({ name, message = 'not healthy' }) => `${name}: ${message}`).join('; ')}.`,
        'Give it more, or less to do: fewer messages at once, shorter retention, a second process on PostgreSQL.',
      )
    return pass(`Within bounds: ${watchedChecks.map(({ name }) => name).join(', ')}.`)
  },
} satisfies Partial<CheckFunctions>
