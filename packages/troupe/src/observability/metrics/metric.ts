/** One name with all that is counted under it. */
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

/** What whoever writes metrics down elsewhere asks a collector for. */
export interface Readable {
  metrics(): readonly Metric[]
  readGauges(): Promise<readonly GaugeReading[]>
}
