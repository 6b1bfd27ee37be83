/**
 * Encodes spans and metrics as JSON of OTLP/HTTP (opentelemetry-proto 1.x). No library is used, because the packages of
 * OpenTelemetry bring an SDK with its own clock, timers, network and a second registry, and would still need this mapping.
 */
import type { Json } from '../../core/index.ts'
import { bucketBounds, exposedName, type GaugeReading, type Metric, unitOf } from '../metrics/index.ts'
import type { Span } from '../traces/index.ts'

const kinds = { internal: 1, client: 3, producer: 4, consumer: 5 } as const
const statuses = { running: 0, ok: 1, error: 2 } as const
const cumulative = 2

export interface OtlpResource {
  readonly [name: string]: string
}

export function encodeSpans(resource: OtlpResource, spans: readonly Span[]): Json {
  return {
    resourceSpans: [
      {
        resource: { attributes: attributes(resource) },
        scopeSpans: [{ scope: { name: 'troupe' }, spans: spans.map(encodeSpan) }],
      },
    ],
  }
}

const encodeSpan = (span: Span): Json => ({
  traceId: span.traceId,
  spanId: span.id,
  ...(span.parent === undefined ? {} : { parentSpanId: span.parent }),
  name: span.name,
  kind: kinds[span.kind],
  startTimeUnixNano: nanoseconds(span.startedAt),
  endTimeUnixNano: nanoseconds(span.endedAt ?? span.startedAt),
  attributes: attributes(span.attributes),
  status: { code: statuses[span.status] },
})

export interface Reading {
  readonly startedAt: number
  readonly at: number
  readonly metrics: readonly Metric[]
  readonly gauges: readonly GaugeReading[]
}

export function encodeMetrics(resource: OtlpResource, { startedAt, at, metrics, gauges }: Reading): Json {
  const times = { startTimeUnixNano: nanoseconds(startedAt), timeUnixNano: nanoseconds(at) }
  const encoded = [
    ...metrics.flatMap((metric) => encodeMetric(metric, times)),
    ...gauges.map(({ name, labels, value }) => ({
      name: exposedName(name),
      gauge: { dataPoints: [{ ...times, attributes: attributes(labels), asDouble: value }] },
    })),
  ]
  return {
    resourceMetrics: [
      {
        resource: { attributes: attributes(resource) },
        scopeMetrics: [{ scope: { name: 'troupe' }, metrics: encoded as Json[] }],
      },
    ],
  }
}

function encodeMetric({ name, kind, series }: Metric, times: { readonly [name: string]: string }): Json[] {
  const all = [...series.values()]
  const increments = all.flatMap(({ labels, count, observed }) =>
    kind === 'counter' || count > observed
      ? [{ ...times, attributes: attributes(labels), asDouble: count - observed }]
      : [],
  )
  const counter: Json = {
    name: exposedName(name, unitOf(name)),
    sum: { aggregationTemporality: cumulative, isMonotonic: true, dataPoints: increments },
  }
  if (kind === 'counter') return [counter]
  const scale = kind === 'timer' ? 1_000 : 1
  const dataPoints = all.map(({ labels, observed, sum, buckets, min, max }) => ({
    ...times,
    attributes: attributes(labels),
    count: String(observed),
    sum: sum / scale,
    ...(observed > 0 ? { min: min / scale, max: max / scale } : {}),
    bucketCounts: buckets.map(String),
    explicitBounds: bucketBounds.map((bound) => bound / scale),
  }))
  const histogram = {
    name: exposedName(name, kind === 'timer' ? 'seconds' : ''),
    unit: kind === 'timer' ? 's' : '',
    histogram: { aggregationTemporality: cumulative, dataPoints },
  }
  return increments.length > 0 ? [histogram, counter] : [histogram]
}

/** 64-bit integers are sent as text, with three decimal digits of a millisecond. */
const nanoseconds = (ms: number): string => `${BigInt(Math.round(ms * 1_000)) * 1_000n}`

const attributes = (values: { readonly [name: string]: Json }): Json[] =>
  Object.entries(values).map(([key, value]) => ({ key, value: encodeValue(value) }))

function encodeValue(value: Json): Json {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(encodeValue) } }
  return { stringValue: JSON.stringify(value) }
}
