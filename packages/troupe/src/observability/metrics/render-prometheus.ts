/**
 * Formats the metrics as text of Prometheus (version 0.0.4). No client library is used, because the collector counts already and a
 * second registry would count twice.
 */
import { type ExposedValue, type Family, familiesOf, type Totals } from './families.ts'
import type { Readable } from './metric.ts'
import { bucketBounds, type Labels } from './series.ts'

export async function renderPrometheus(metrics: Readable): Promise<string> {
  const families = familiesOf(metrics.metrics(), await metrics.readGauges())
  return `${families.flatMap(linesOf).join('\n')}\n`
}

function linesOf(family: Family): readonly string[] {
  const { name, help, type } = family
  const points =
    family.type === 'histogram'
      ? family.points.flatMap((point) => histogram(name, point, family.scale))
      : family.points.map((point) => line(name, point))
  return [
    `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
    `# TYPE ${name} ${type}`,
    ...points,
  ]
}

function histogram(full: string, { labels, buckets, sum, observed }: Totals, scale: number): readonly string[] {
  let cumulated = 0
  const bucket = (le: string, value: number) => line(`${full}_bucket`, { labels: { ...labels, le }, value })
  const lines = bucketBounds.map((bound, i) => {
    cumulated += buckets[i] as number
    return bucket(numberText(bound / scale), cumulated)
  })
  return [
    ...lines,
    bucket('+Inf', observed),
    line(`${full}_sum`, { labels, value: sum / scale }),
    line(`${full}_count`, { labels, value: observed }),
  ]
}

const line = (name: string, { labels, value }: ExposedValue) => `${name}${labelText(labels)} ${numberText(value)}`
const numberText = (value: number) => (Math.abs(value) === Infinity ? `${value < 0 ? '-' : '+'}Inf` : String(value))
const escaped = (value: string) => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return parts.length === 0 ? '' : `{${parts.join(',')}}`
}
