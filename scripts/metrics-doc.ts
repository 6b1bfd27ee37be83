/** Writes docs/metrics.md from the published names; a test keeps the two equal. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type EventName, eventNames } from '../packages/troupe/src/core/index.ts'
import {
  countedNames,
  defaultRules,
  eventLabels,
  exposedName,
  gaugeNames,
  unitOf,
} from '../packages/troupe/src/observability/index.ts'

export const metricsDoc = fileURLToPath(new URL('../docs/metrics.md', import.meta.url))

/** Metrics that carry a duration. */
const timed = new Set<string>([
  'message.waited',
  'model.called',
  'model.embedded',
  'model.reranked',
  'span.ended',
  'step.released',
  'storage.commit',
  'storage.read',
  'tool.called',
])
const exposed = (name: string) => (timed.has(name) ? exposedName(name, 'seconds') : exposedName(name, unitOf(name)))
const snake = (label: string) => label.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toLowerCase()
const labelsOf = (name: string) =>
  (eventLabels[name as EventName] ?? []).map((label) => `\`${snake(label)}\``).join(', ')

/** The page's text. */
export const renderMetrics = (): string =>
  [
    '# Metrics',
    '',
    '<!-- written by `node scripts/metrics-doc.ts` -->',
    '',
    '`troupe.metrics.summary(name)` and [alert rules](observability.md) use the name of a metric. `troupe.metrics.prometheus()` and a',
    'collector of OpenTelemetry use the exposed name. No label names a user.',
    '',
    'Every event is counted. An event with a duration is a histogram: its exposed values are seconds, those of `summary`',
    'milliseconds, and its failures are counted in `…_failures_total`. A metric has at most 100 series, and all metrics together',
    '5,000. A series beyond that is counted under the label value `other`. An application has at most 1,000 names of metrics of its',
    'own; further names are not counted.',
    '',
    '## Events',
    '',
    '| name | exposed as | labels | when |',
    '|---|---|---|---|',
    ...Object.entries(eventNames).map(
      ([name, when]) => `| \`${name}\` | \`${exposed(name)}\` | ${labelsOf(name)} | ${when} |`,
    ),
    '',
    '## Counters that are not events',
    '',
    '| name | exposed as | meaning |',
    '|---|---|---|',
    ...Object.entries(countedNames).map(([name, what]) => `| \`${name}\` | \`${exposed(name)}\` | ${what} |`),
    '',
    '## Gauges',
    '',
    'A gauge is read when an export or an alert rule asks for it.',
    '',
    '| name | exposed as | meaning |',
    '|---|---|---|',
    ...Object.entries(gaugeNames).map(([name, what]) => `| \`${name}\` | \`${exposedName(name)}\` | ${what} |`),
    '',
    '## Default alerts',
    '',
    '| name | raised when | for |',
    '|---|---|---|',
    ...defaultRules.map(
      ({ name, metric, statistic, above, for: span }) =>
        `| \`${name}\` | \`${statistic}\` of \`${metric}\` is above ${above?.toLocaleString('en')} | ${span ?? 'at once'} |`,
    ),
    '',
  ].join('\n')

if (import.meta.main) writeFileSync(metricsDoc, renderMetrics())
