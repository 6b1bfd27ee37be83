/** A metric: a name with its series. */
import type { Labels, Series } from './series.ts'

/** `counter`: a count; `timer`: durations in ms; `value`: values of any unit. */
export type MetricKind = 'counter' | 'timer' | 'value'

/** A metric: a name with its series. */
export interface Metric {
  /** The name of the metric. */
  readonly name: string
  /** The kind of the metric. A counter becomes a timer or value when one is recorded; its increments are exported too. */
  kind: MetricKind
  /** The series by their labels. */
  readonly series: Map<string, Series>
}

/** The value of a gauge at a time. */
export interface GaugeReading {
  /** The name of the gauge. */
  readonly name: string
  /** The labels of the value. */
  readonly labels: Labels
  /** The value. */
  readonly value: number
}

/** The port of a collector for exporters. */
export interface Readable {
  /** Returns all metrics. */
  metrics(): readonly Metric[]
  /** Reads all gauges. */
  readGauges(): Promise<readonly GaugeReading[]>
}
