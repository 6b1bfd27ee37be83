/**
 * Counts and durations of what happens in a troupe. It listens to events and is asked by users; memory is bounded: so
 * many names, and of each duration the latest thousand.
 */
import type { Clock, Events } from '../core/index.ts'

export interface MetricSummary {
  readonly count: number
  readonly failures: number
  /** Milliseconds, over the latest thousand. */
  readonly average: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly slowest: number
}

interface Metric {
  count: number
  failures: number
  readonly latest: number[]
  next: number
}

const kept = 1_000
const maxNames = 1_000

/** The nearest-rank percentile of sorted numbers. */
const percentile = (sorted: readonly number[], p: number) => sorted[Math.max(0, Math.ceil(sorted.length * p) - 1)] ?? 0

/** @example metrics.summary('tool.called').p95 */
export class MetricsCollector {
  readonly #clock: Clock
  readonly #metrics = new Map<string, Metric>()
  readonly #gauges = new Map<string, () => number | Promise<number>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts every event by its type; those with `durationMs` are timed, those with `success: false` are failures. */
  listen(events: Events): () => void {
    return events.on('*', (event) => {
      const took = event.durationMs
      this.record(event.type, typeof took === 'number' ? took : undefined, event.success !== false)
    })
  }

  increment(name: string, by = 1): void {
    const metric = this.#metric(name)
    if (metric) metric.count += by
  }

  record(name: string, durationMs: number | undefined, success = true): void {
    const metric = this.#metric(name)
    if (!metric) return
    metric.count++
    if (!success) metric.failures++
    if (durationMs === undefined) return
    metric.latest[metric.next] = durationMs
    metric.next = (metric.next + 1) % kept
  }

  /** Times what the function does, and passes on its result or error. */
  async trackExecution<T>(name: string, run: () => Promise<T>): Promise<T> {
    const began = this.#clock.monotonic()
    let success = false
    try {
      const result = await run()
      success = true
      return result
    } finally {
      this.record(name, this.#clock.monotonic() - began, success)
    }
  }

  summary(name: string): MetricSummary {
    const metric = this.#metrics.get(name)
    const sorted = [...(metric?.latest ?? [])].sort((a, b) => a - b)
    const sum = sorted.reduce((total, ms) => total + ms, 0)
    return {
      count: metric?.count ?? 0,
      failures: metric?.failures ?? 0,
      average: sorted.length ? sum / sorted.length : 0,
      p50: percentile(sorted, 0.5),
      p95: percentile(sorted, 0.95),
      p99: percentile(sorted, 0.99),
      slowest: sorted.at(-1) ?? 0,
    }
  }

  /** A figure that is read when somebody looks, e.g. the size of the database. The last registration of a name holds. */
  gauge(name: string, read: () => number | Promise<number>): void {
    if (this.#gauges.has(name) || this.#gauges.size < maxNames) this.#gauges.set(name, read)
  }

  /** All gauges as they stand now; one that fails is left out. */
  async gauges(): Promise<Readonly<Record<string, number>>> {
    const read = await Promise.allSettled([...this.#gauges].map(async ([name, of]) => [name, await of()] as const))
    return Object.fromEntries(read.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])))
  }

  names(): readonly string[] {
    return [...this.#metrics.keys()].sort()
  }

  /** Undefined for a new name beyond the bound: an unbounded label must not fill the memory. */
  #metric(name: string): Metric | undefined {
    let metric = this.#metrics.get(name)
    if (!metric && this.#metrics.size < maxNames) {
      metric = { count: 0, failures: 0, latest: [], next: 0 }
      this.#metrics.set(name, metric)
    }
    return metric
  }
}
