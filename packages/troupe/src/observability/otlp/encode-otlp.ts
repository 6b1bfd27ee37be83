/**
 * Encodes spans and metrics as JSON of OTLP/HTTP (opentelemetry-proto 1.x). No library is used, because the packages of
 * OpenTelemetry bring an SDK with its own clock, timers, network and a second registry, and would still need this mapping.
 */
import type { Json } from '../../core/index.ts'
import { bucketBounds, type Family, familiesOf, type GaugeReading, type Metric } from '../metrics/index.ts'
import type { Span } from '../traces/index.ts'

const kinds = { internal: 1, client: 3, producer: 4, consumer: 5 } as const
/** `ok` is unset: OpenTelemetry reserves status 1 for applications that overrule what a library has found. */
const statuses = { running: 0, ok: 0, error: 2 } as const
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
  return {
    resourceMetrics: [
      {
        resource: { attributes: attributes(resource) },
        scopeMetrics: [
          {
            scope: { name: 'troupe' },
            metrics: familiesOf(metrics, gauges).map((family) => encodeFamily(family, times)),
          },
        ],
      },
    ],
  }
}

function encodeFamily(family: Family, times: { readonly [name: string]: string }): Json {
  const { name, help: description } = family
  if (family.type === 'histogram') {
    const { unit, scale, points } = family
    const dataPoints = points.map(({ labels, observed, sum, buckets, min, max }) => ({
      ...times,
      attributes: attributes(labels),
      count: String(observed),
      sum: sum / scale,
      ...(observed > 0 ? { min: min / scale, max: max / scale } : {}),
      bucketCounts: buckets.map(String),
      explicitBounds: bucketBounds.map((bound) => bound / scale),
    }))
    return { name, description, unit, histogram: { aggregationTemporality: cumulative, dataPoints } }
  }
  const dataPoints = family.points.map(({ labels, value }) => ({
    ...times,
    attributes: attributes(labels),
    asDouble: value,
  }))
  if (family.type === 'gauge') return { name, description, gauge: { dataPoints } }
  return { name, description, sum: { aggregationTemporality: cumulative, isMonotonic: true, dataPoints } }
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
