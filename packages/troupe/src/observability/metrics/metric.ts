/** A metric: a name with its series. */
import type { Labels, Series } from './series.ts'

export type MetricKind = 'counter' | 'timer' | 'value'

export interface Metric {
  readonly name: string
  kind: MetricKind
  readonly series: Map<string, Series>
}

export interface GaugeReading {
  readonly name: string
  readonly labels: Labels
  readonly value: number
}

/** The port of a collector for exporters. */
export interface Readable {
  metrics(): readonly Metric[]
  readGauges(): Promise<readonly GaugeReading[]>
}
