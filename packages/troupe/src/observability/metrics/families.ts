/** The metrics as exports show them: families with exposed names, each name once, and points with exposed labels. */
import { eventNames } from '../../core/index.ts'
import type { GaugeReading, Metric } from './metric.ts'
import { countedNames, gaugeNames, unitOf } from './metric-names.ts'
import type { Labels, Series } from './series.ts'

interface FamilyHead {
  /** The exposed name, which no other family has. */
  readonly name: string
  readonly help: string
}

/** A point of a counter or gauge. */
export interface ExposedValue {
  readonly labels: Labels
  readonly value: number
}

export type Totals = Pick<Series, 'labels' | 'count' | 'failures' | 'sum' | 'observed' | 'buckets' | 'min' | 'max'>

/** A metric as exports show it. Points of one family have different labels. */
export type Family = FamilyHead &
  (
    | { readonly type: 'counter' | 'gauge'; readonly points: readonly ExposedValue[] }
    /** Values and bounds are divided by `scale`, so that durations are seconds. */
    | { readonly type: 'histogram'; readonly points: readonly Totals[]; readonly unit: string; readonly scale: number }
  )

const ownNames = { ...eventNames, ...countedNames }

/** Returns the families of metrics, by the names of their metrics, and then those of gauges. */
export function familiesOf(metrics: readonly Metric[], gauges: readonly GaugeReading[]): readonly Family[] {
  const names = new Names()
  // Names are assigned in order, those of Troupe first, so that a later metric cannot take the name of an earlier one.
  const counted = oursFirst(metrics, ownNames).map((metric) => ({
    name: metric.name,
    families: familiesOfMetric(metric, names),
  }))
  const readings = [...Map.groupBy(gauges, ({ name }) => name)].map(([name, readings]) => ({ name, readings }))
  const read = oursFirst(readings, gaugeNames).map(({ name, readings }) => ({
    name,
    families: [gaugeFamily(name, readings, names)],
  }))
  return [counted, read].flatMap((all) => all.sort(byName).flatMap(({ families }) => families))
}

const byName = (a: { readonly name: string }, b: { readonly name: string }) => (a.name < b.name ? -1 : 1)

function oursFirst<T extends { readonly name: string }>(
  all: readonly T[],
  ours: Readonly<Record<string, string>>,
): T[] {
  const rank = ({ name }: T) => (Object.hasOwn(ours, name) ? 0 : 1)
  return [...all].sort((a, b) => rank(a) - rank(b))
}

/** Two names of an application may have the same exposed name; a repeated family would invalidate the whole export. */
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

function gaugeFamily(name: string, readings: readonly GaugeReading[], names: Names): Family {
  const exposed = readings.map(({ labels, value }) => ({ labels: exposedLabels(labels), value }))
  // The last value of equal labels counts.
  const points = [...new Map(exposed.map((point) => [JSON.stringify(point.labels), point])).values()]
  return { name: names.reserve(exposedName(name)), help: helpOf(gaugeNames, name), type: 'gauge', points }
}

function familiesOfMetric(metric: Metric, names: Names): readonly Family[] {
  const { name, kind } = metric
  if (kind === 'counter') return incrementsOf(metric, names)
  const points = totalsOf(metric.series.values(), ['le'])
  const [unit, scale] = kind === 'timer' ? (['s', 1_000] as const) : (['', 1] as const)
  const full = names.reserve(exposedName(name, kind === 'timer' ? 'seconds' : ''), histogramParts)
  const failed = points.filter(({ failures }) => failures > 0)
  const failures =
    failed.length === 0 ? [] : [failuresOf(failed, full, names.reserve(exposedName(name, 'failures_total')))]
  return [
    { name: full, help: helpOf(ownNames, name), type: 'histogram', points, unit, scale },
    ...failures,
    ...incrementsOf(metric, names),
  ]
}

const failuresOf = (failed: readonly Totals[], of: string, name: string): Family => ({
  name,
  help: `failures among ${of}`,
  type: 'counter',
  points: failed.map(({ labels, failures }) => ({ labels, value: failures })),
})

/** Returns the counter of the increments, also of those of a metric with observations. */
function incrementsOf({ name, kind, series }: Metric, names: Names): readonly Family[] {
  const increments = totalsOf(series.values(), []).filter((one) => kind === 'counter' || one.count > one.observed)
  if (increments.length === 0) return []
  const points = increments.map(({ labels, count, observed }) => ({ labels, value: count - observed }))
  return [
    { name: names.reserve(exposedName(name, unitOf(name))), help: helpOf(ownNames, name), type: 'counter', points },
  ]
}

/** Adds up series whose labels have the same exposed names: receivers would drop all but one. */
function totalsOf(series: Iterable<Series>, reservedNames: readonly string[]): readonly Totals[] {
  const exposed = [...series].map((one) => ({ one, labels: exposedLabels(one.labels, reservedNames) }))
  return [...Map.groupBy(exposed, ({ labels }) => JSON.stringify(labels)).values()].map((equal) =>
    equal.map(({ one, labels }): Totals => ({ ...one, labels })).reduce(sumOf),
  )
}

const sumOf = (a: Totals, b: Totals): Totals => ({
  labels: a.labels,
  count: a.count + b.count,
  failures: a.failures + b.failures,
  sum: a.sum + b.sum,
  observed: a.observed + b.observed,
  buckets: a.buckets.map((counted, i) => counted + (b.buckets[i] ?? 0)),
  min: Math.min(a.min, b.min),
  max: Math.max(a.max, b.max),
})

/** A metric of an application may have any name, also one that every object has. */
const helpOf = (names: Readonly<Record<string, string>>, name: string): string =>
  (Object.hasOwn(names, name) ? names[name] : undefined) ?? name

/** An invalid or repeated label name would invalidate the whole export. */
function exposedLabels(labels: Labels, reservedNames: readonly string[] = []): Labels {
  const names = new Set(reservedNames)
  const exposed = Object.entries(labels).map(([label, value]) => {
    let name = labelName(label)
    while (names.has(name)) name += '_'
    names.add(name)
    return [name, String(value)] as const
  })
  return Object.fromEntries(exposed)
}

/** Returns a name of letters, digits and `_` that does not start with a digit; a leading `__` is reserved. */
const labelName = (name: string) =>
  name
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll(/[^a-zA-Z0-9_]/g, '_')
    .toLowerCase()
    .replace(/^(?=[0-9])/, '_')
    .replace(/^__+/, '_') || '_'
