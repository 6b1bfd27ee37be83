/**
 * The metrics in the text format of Prometheus (version 0.0.4). Ours, and no client library's: the collector counts
 * already, and a second registry beside it would count everything twice.
 */
import { eventNames } from '../../core/index.ts'
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
    if (full !== last) lines.push(...head(full, 'gauge', said(gaugeNames, name)))
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
  const help = said(eventNames, name)
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
  const text = labelText(labels, ['le'])
  const bucket = (bound: string, count: number) =>
    `${full}_bucket${text === '' ? '{' : `${text.slice(0, -1)},`}le="${bound}"} ${numberText(count)}`
  const lines = bucketBounds.map((bound, i) => {
    cumulated += buckets[i] as number
    return bucket(numberText(bound / scale), cumulated)
  })
  return [
    ...lines,
    bucket('+Inf', observed),
    `${full}_sum${text} ${numberText(sum / scale)}`,
    `${full}_count${text} ${numberText(observed)}`,
  ]
}

/** A host's own metric may have any name, as one that every object has. */
const said = (names: Readonly<Record<string, string>>, name: string): string =>
  (Object.hasOwn(names, name) ? names[name] : undefined) ?? name

const head = (name: string, kind: string, help: string) => [
  `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
  `# TYPE ${name} ${kind}`,
]
const line = (name: string, labels: Labels, value: number) => `${name}${labelText(labels)} ${numberText(value)}`
const numberText = (value: number) => (Math.abs(value) === Infinity ? `${value < 0 ? '-' : '+'}Inf` : String(value))
const escaped = (value: string) => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

/** One name that the format does not have, or that is there twice, would cost the whole scrape. */
function labelText(labels: Labels, taken: readonly string[] = []): string {
  const names = new Set(taken)
  const parts = Object.entries(labels).map(([given, value]) => {
    let name = labelName(given)
    while (names.has(name)) name += '_'
    names.add(name)
    return `${name}="${escaped(value)}"`
  })
  return parts.length === 0 ? '' : `{${parts.join(',')}}`
}

/** Of letters, digits and `_`, beginning with no digit; two `_` at the beginning are Prometheus's own. */
const labelName = (name: string) =>
  name
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll(/[^a-zA-Z0-9_]/g, '_')
    .toLowerCase()
    .replace(/^(?=[0-9])/, '_')
    .replace(/^__+/, '_') || '_'
