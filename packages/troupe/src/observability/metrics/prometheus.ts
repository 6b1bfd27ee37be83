/**
 * The metrics in the text format of Prometheus (version 0.0.4). Ours, and no client library's: the collector counts
 * already, and a second registry beside it would count everything twice.
 */
import { type EventName, eventNames } from '../../core/index.ts'
import type { Metric, Readable } from './metric.ts'
import { gaugeNames, unitOf } from './metric-names.ts'
import { bucketBounds, type Labels, type Series } from './series.ts'

export async function renderPrometheus(metrics: Readable): Promise<string> {
  const lines: string[] = []
  for (const metric of [...metrics.metrics()].sort((a, b) => (a.name < b.name ? -1 : 1))) lines.push(...family(metric))
  const gauges = [...(await metrics.readGauges())].sort((a, b) => (a.name < b.name ? -1 : 1))
  let last = ''
  for (const { name, labels, value } of gauges) {
    const full = exposedName(name)
    if (full !== last)
      lines.push(...head(full, 'gauge', (gaugeNames as Readonly<Record<string, string>>)[name] ?? name))
    last = full
    lines.push(`${full}${labelText(labels)} ${numberText(value)}`)
  }
  return `${lines.join('\n')}\n`
}

/** @example exposedName('tool.called', 'seconds') // 'troupe_tool_called_seconds' */
export const exposedName = (name: string, unit = ''): string =>
  `troupe_${name
    .replaceAll(/[^a-zA-Z0-9]+/g, '_')
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()}${unit && `_${unit}`}`

function family(metric: Metric): readonly string[] {
  const { name, kind, series } = metric
  const help = eventNames[name as EventName] ?? name
  if (kind === 'counter') {
    const full = exposedName(name, unitOf(name))
    return [
      ...head(full, 'counter', help),
      ...[...series.values()].map(({ labels, count }) => line(full, labels, count)),
    ]
  }
  const full = exposedName(name, kind === 'timer' ? 'seconds' : '')
  const scale = kind === 'timer' ? 1_000 : 1
  const all = [...series.values()]
  const failed = exposedName(name, 'failures_total')
  const failures = all.filter((one) => one.failures > 0)
  return [
    ...head(full, 'histogram', help),
    ...all.flatMap((one) => histogram(full, one, scale)),
    ...(failures.length === 0 ? [] : head(failed, 'counter', `failures among ${full}`)),
    ...failures.map((one) => line(failed, one.labels, one.failures)),
  ]
}

function histogram(full: string, { labels, buckets, sum, observed }: Series, scale: number): readonly string[] {
  let cumulated = 0
  const lines = bucketBounds.map((bound, i) => {
    cumulated += buckets[i] as number
    return line(`${full}_bucket`, { ...labels, le: numberText(bound / scale) }, cumulated)
  })
  return [
    ...lines,
    line(`${full}_bucket`, { ...labels, le: '+Inf' }, observed),
    line(`${full}_sum`, labels, sum / scale),
    line(`${full}_count`, labels, observed),
  ]
}

const head = (name: string, kind: string, help: string) => [
  `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
  `# TYPE ${name} ${kind}`,
]
const line = (name: string, labels: Labels, value: number) => `${name}${labelText(labels)} ${numberText(value)}`
const numberText = (value: number) => (value === Number.POSITIVE_INFINITY ? '+Inf' : String(value))
const escaped = (value: string) => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${snake(name)}="${escaped(value)}"`)
  return parts.length === 0 ? '' : `{${parts.join(',')}}`
}
const snake = (name: string) =>
  name
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll(/[^a-zA-Z0-9_]/g, '_')
    .toLowerCase()
