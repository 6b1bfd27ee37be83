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

/** What carries `durationMs`. */
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
    'What `troupe.metrics.summary(name)` and alerts know, and under which name `troupe.metrics.prometheus()` and a collector of',
    'OpenTelemetry get it. Every event is counted; what has a duration is a histogram, in seconds there and in milliseconds in',
    '`summary`, with its failures as `…_failures_total`. A name has a hundred series at most: what comes then is counted with its',
    'labels as `other`. No label names a user. Written by `node scripts/metrics-doc.ts`.',
    '',
    '## Events',
    '',
    '| name | exposed as | labels | when |',
    '|---|---|---|---|',
    ...Object.entries(eventNames).map(
      ([name, when]) => `| \`${name}\` | \`${exposed(name)}\` | ${labelsOf(name)} | ${when} |`,
    ),
    '',
    '## Besides',
    '',
    '| name | exposed as | what |',
    '|---|---|---|',
    ...Object.entries(countedNames).map(([name, what]) => `| \`${name}\` | \`${exposed(name)}\` | ${what} |`),
    '',
    '## Gauges, read on demand',
    '',
    '| name | exposed as | what |',
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
