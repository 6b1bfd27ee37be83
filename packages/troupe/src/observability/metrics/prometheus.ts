/**
 * Formats the metrics as text of Prometheus (version 0.0.4). No client library is used, because the collector counts already and a
 * second registry would count twice.
 */
import { eventNames } from '../../core/index.ts'
import type { GaugeReading, Metric, Readable } from './metric.ts'
import { countedNames, gaugeNames, unitOf } from './metric-names.ts'
import { bucketBounds, type Labels, type Series } from './series.ts'

const ownNames = { ...eventNames, ...countedNames }

export async function renderPrometheus(metrics: Readable): Promise<string> {
  const names = new Names()
  // Names are assigned in order, those of Troupe first, so that a later metric cannot take the name of an earlier one.
  const counted = oursFirst(metrics.metrics(), ownNames).map((metric) => ({
    name: metric.name,
    lines: family(metric, names),
  }))
  const gauges = Map.groupBy(await metrics.readGauges(), ({ name }) => name)
  const read = oursFirst(
    [...gauges].map(([name, readings]) => ({ name, readings })),
    gaugeNames,
  ).map(({ name, readings }) => ({ name, lines: gauge(name, readings, names) }))
  return `${[counted, read].flatMap((all) => all.sort(byName).flatMap(({ lines }) => lines)).join('\n')}\n`
}

const byName = (a: { readonly name: string }, b: { readonly name: string }) => (a.name < b.name ? -1 : 1)

function oursFirst<T extends { readonly name: string }>(
  all: readonly T[],
  ours: Readonly<Record<string, string>>,
): T[] {
  const rank = ({ name }: T) => (Object.hasOwn(ours, name) ? 0 : 1)
  return [...all].sort((a, b) => rank(a) - rank(b))
}

/** Two names of an application may have the same exposed name; a repeated family would invalidate the whole scrape. */
class Names {
  readonly #usedNames = new Set<string>()

  /** @param parts the suffixes of the family's lines */
  reserve(name: string, parts: readonly string[] = ['']): string {
    let free = name
    while (parts.some((part) => this.#usedNames.has(free + part))) free += '_'
    for (const part of parts) this.#usedNames.add(free + part)
    return free
  }
}

const histogramParts = ['', '_bucket', '_sum', '_count']

/** @example exposedName('tool.called', 'seconds') // 'troupe_tool_called_seconds' */
export const exposedName = (name: string, unit = ''): string =>
  `troupe_${name
    .replaceAll(/[^a-zA-Z0-9]+/g, '_')
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()}${unit && `_${unit}`}`

function gauge(name: string, readings: readonly GaugeReading[], names: Names): readonly string[] {
  const full = names.reserve(exposedName(name))
  // The last value of equal labels counts.
  const lines = new Map(readings.map(({ labels, value }) => [labelText(labels), value]))
  return [
    ...head(full, 'gauge', helpOf(gaugeNames, name)),
    ...[...lines].map(([labels, value]) => `${full}${labels} ${numberText(value)}`),
  ]
}

function family(metric: Metric, names: Names): readonly string[] {
  const { name, kind } = metric
  const help = helpOf(ownNames, name)
  if (kind === 'counter') return counter(metric, names)
  const all = totalsOf(metric.series.values(), ['le'])
  const full = names.reserve(exposedName(name, kind === 'timer' ? 'seconds' : ''), histogramParts)
  const scale = kind === 'timer' ? 1_000 : 1
  const failures = all.filter((one) => one.failures > 0)
  const failed = failures.length === 0 ? '' : names.reserve(exposedName(name, 'failures_total'))
  return [
    ...head(full, 'histogram', help),
    ...all.flatMap((one) => histogram(full, one, scale)),
    ...(failures.length === 0 ? [] : head(failed, 'counter', `failures among ${full}`)),
    ...failures.map((one) => line(failed, one.labels, one.failures)),
    ...counter(metric, names),
  ]
}

/** Formats the increments, also those of a metric with observations. */
function counter({ name, kind, series }: Metric, names: Names): readonly string[] {
  const increments = totalsOf(series.values(), []).filter((one) => kind === 'counter' || one.count > one.observed)
  if (increments.length === 0) return []
  const full = names.reserve(exposedName(name, unitOf(name)))
  return [
    ...head(full, 'counter', helpOf(ownNames, name)),
    ...increments.map(({ labels, count, observed }) => line(full, labels, count - observed)),
  ]
}

type Totals = Pick<Series, 'labels' | 'count' | 'failures' | 'sum' | 'observed' | 'buckets'>

/** Adds up series whose labels have the same exposed names: Prometheus would drop all but one. */
const totalsOf = (series: Iterable<Totals>, reservedNames: readonly string[]): readonly Totals[] =>
  [...Map.groupBy(series, ({ labels }) => labelText(labels, reservedNames)).values()].map((equal) =>
    equal.reduce((a, b) => ({
      labels: a.labels,
      count: a.count + b.count,
      failures: a.failures + b.failures,
      sum: a.sum + b.sum,
      observed: a.observed + b.observed,
      buckets: a.buckets.map((counted, i) => counted + (b.buckets[i] ?? 0)),
    })),
  )

function histogram(full: string, { labels, buckets, sum, observed }: Totals, scale: number): readonly string[] {
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

/** A metric of an application may have any name, also one that every object has. */
const helpOf = (names: Readonly<Record<string, string>>, name: string): string =>
  (Object.hasOwn(names, name) ? names[name] : undefined) ?? name

const head = (name: string, kind: string, help: string) => [
  `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
  `# TYPE ${name} ${kind}`,
]
const line = (name: string, labels: Labels, value: number) => `${name}${labelText(labels)} ${numberText(value)}`
const numberText = (value: number) => (Math.abs(value) === Infinity ? `${value < 0 ? '-' : '+'}Inf` : String(value))
const escaped = (value: unknown) =>
  String(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

/** An invalid or repeated label name would invalidate the whole scrape. */
function labelText(labels: Labels, reservedNames: readonly string[] = []): string {
  const names = new Set(reservedNames)
  const parts = Object.entries(labels).map(([label, value]) => {
    let name = labelName(label)
    while (names.has(name)) name += '_'
    names.add(name)
    return `${name}="${escaped(value)}"`
  })
  return parts.length === 0 ? '' : `{${parts.join(',')}}`
}

/** Returns a name of letters, digits and `_` that does not start with a digit; a leading `__` is reserved. */
const labelName = (name: string) =>
  name
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll(/[^a-zA-Z0-9_]/g, '_')
    .toLowerCase()
    .replace(/^(?=[0-9])/, '_')
    .replace(/^__+/, '_') || '_'
