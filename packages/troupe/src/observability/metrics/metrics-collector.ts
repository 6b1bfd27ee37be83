/**
 * Collects counters, values and durations of a troupe from events and from the application. Memory is bounded: a
 * limited number of series with the latest 1,000 values each; further label values of a name are counted as `other`, and
 * further names of labels as one series with the label `labels`.
 */
import {
  type Clock,
  checkFlag,
  checkFunction,
  checkOptions,
  checkText,
  type Duration,
  type Events,
  fieldOf,
  invalidInput,
  isPlainObject,
  milliseconds,
  readable,
  reportCallback,
  systemClock,
  TroupeError,
} from '../../core/index.ts'
import { withTimeLimit } from '../../resilience/index.ts'
import { type Counting, countEvent } from './event-metrics.ts'
import type { GaugeReading, Metric, MetricKind, Readable } from './metric.ts'
import { isPublished, unknownMetric } from './metric-names.ts'
import { renderPrometheus } from './render-prometheus.ts'
import { type Labels, Series } from './series.ts'
import { type MetricSummary, summarize } from './summarize.ts'

const maxSeries = 5_000
const maxNames = 1_000
const seriesPerName = 100
/** A gauge without an answer must not stop the alerts, the exports and the close, which read all gauges. */
const gaugeLimitMs = 5_000

/** Options of a recorded value. */
export interface RecordOptions {
  /** The labels of the series; none by default. */
  readonly labels?: Labels
  /** False counts the value as a failure; true by default. */
  readonly success?: boolean
}

/** Options of `summary`. */
export interface SummaryOptions {
  /** Only observations within this time. */
  readonly window?: Duration
  /** Only series that have these labels. */
  readonly labels?: Labels
}

/** A running timer. With `using`, it stops at the end of the block. */
export interface RunningTimer extends Disposable {
  /** Stops the timer, records the duration and returns it in ms. Later calls return the same and record nothing. */
  stop(outcome?: {
    /** False counts the duration as a failure; true by default. */
    readonly success?: boolean
  }): number
}

/** Reads a gauge: one value, or several with labels. */
export type GaugeRead = () => GaugeValue | Promise<GaugeValue>
type GaugeValue =
  | number
  | readonly {
      /** The labels of the value, besides those of the gauge. */
      readonly labels: Labels
      /** The value. */
      readonly value: number
    }[]
interface Gauge {
  readonly name: string
  readonly labels: Labels
  readonly read: GaugeRead
  /** The read in progress, which all callers share, so that a slow gauge is read by one at a time. */
  reading?: Promise<GaugeValue> | undefined
}

/**
 * The metrics of a process.
 * @example metrics.summary('tool.called').p95
 */
export class MetricsCollector implements Readable {
  readonly #clock: Clock
  readonly #metrics = new Map<string, Metric>()
  readonly #gauges = new Map<string, Gauge>()
  readonly #began: number
  /** Gauges whose last read failed: each failure is reported once. */
  readonly #failedGauges = new Set<string>()
  #events: Events | undefined
  #series = 0
  #order = 0

  /** @throws ValidationError for a value that is not a clock */
  constructor(clock: Clock = systemClock) {
    if (typeof fieldOf(clock, 'monotonic') !== 'function')
      throw invalidInput('The clock of a MetricsCollector', 'it has no monotonic()')
    this.#clock = clock
    this.#began = clock.monotonic()
  }

  /**
   * Counts every event by its type; `durationMs` is recorded as a duration and `success: false` as a failure. Failed gauges are
   * reported as events.
   */
  listen(events: Events): () => void {
    checkFunction('events.on of MetricsCollector.listen', fieldOf(events, 'on'))
    this.#events = events
    const counting: Counting = {
      increment: (name, by, labels, success) => this.#add(name, by, labels, success),
      time: (name, durationMs, options) => this.#observe(name, 'timer', durationMs, options),
    }
    return events.on('*', (event) => countEvent(counting, event))
  }

  /** ms since the creation of the collector. */
  get uptimeMs(): number {
    return this.#clock.monotonic() - this.#began
  }

  /**
   * Adds to a counter.
   * @throws ValidationError for a negative amount or invalid labels
   * @example metrics.increment('orders', 1, { kind: 'express' })
   */
  increment(name: string, by = 1, labels: Labels = {}, success = true): void {
    checkMetric(name)
    checkLabels(labels)
    checkFlag(`success of the metric ${name}`, success)
    if (!(Number.isFinite(by) && by >= 0)) throw invalidInput(`The metric ${name}`, 'a counter cannot decrease')
    this.#add(name, by, labels, success)
  }

  /** Records and counts a duration in ms. */
  time(name: string, durationMs: number, options: RecordOptions = {}): void {
    this.#observe(name, 'timer', durationMs, checkRecord(name, options))
  }

  /** Records a value of any unit, e.g. the size of an order. */
  record(name: string, value: number, options: RecordOptions = {}): void {
    this.#observe(name, 'value', value, checkRecord(name, options))
  }

  /**
   * Starts a timer.
   * @example using timer = metrics.timer('import')
   */
  timer(name: string, labels: Labels = {}): RunningTimer {
    checkMetric(name)
    checkLabels(labels)
    const own = { ...labels }
    const began = this.#clock.monotonic()
    let took: number | undefined
    const stop = ({ success = true }: { readonly success?: boolean } = {}) => {
      if (took === undefined) {
        took = this.#clock.monotonic() - began
        this.time(name, took, { labels: own, success })
      }
      return took
    }
    return { stop, [Symbol.dispose]: () => void stop() }
  }

  /** Measures a function, and returns its result or rethrows its error. */
  async trackExecution<T>(name: string, run: () => Promise<T> | T, labels: Labels = {}): Promise<T> {
    checkMetric(name)
    checkFunction(`The function that ${name} tracks`, run)
    const timer = this.timer(name, labels)
    try {
      const result = await run()
      timer.stop()
      return result
    } catch (error) {
      timer.stop({ success: false })
      throw error
    }
  }

  /**
   * Returns the summary of a metric: zeros for a published metric without records. A gauge has no history; `gauges()` reads it.
   * @throws NotFoundError `metric.unknown` for a name that is neither published nor recorded, with the nearest
   */
  summary(name: string, options: SummaryOptions = {}): MetricSummary {
    checkOptions('summary', options, ['window', 'labels'])
    checkText('summary', name)
    if (!this.#metrics.has(name) && !isPublished(name) && !this.#isGauge(name)) throw unknownMetric(name, this.names())
    const { window, labels = {} } = options
    const all = [...(this.#metrics.get(name)?.series.values() ?? [])].filter((series) => has(series.labels, labels))
    const since =
      window === undefined ? Number.NEGATIVE_INFINITY : this.#clock.monotonic() - milliseconds(window, 'window')
    const counted = all.map((series) => series.countedAfter(since))
    const sum = (field: 'count' | 'failures') => counted.reduce((total, one) => total + one[field], 0)
    const totals = { count: sum('count'), failures: sum('failures') }
    return summarize(
      all.flatMap((series) => series.after(since)),
      totals,
    )
  }

  #isGauge(name: string): boolean {
    return [...this.#gauges.values()].some((gauge) => gauge.name === name)
  }

  /**
   * Registers a gauge: a value, or a function that is read on demand. A later gauge with the same name and labels
   * replaces it.
   */
  gauge(name: string, value: number | GaugeRead, labels: Labels = {}): void {
    checkMetric(name)
    checkLabels(labels)
    if (typeof value !== 'number' && typeof value !== 'function')
      throw invalidInput(`The gauge ${name}`, 'it must be a number or a function')
    const key = keyOf(name, labels)
    if (!this.#gauges.has(key) && this.#gauges.size >= maxNames) return
    this.#gauges.set(key, { name, labels: { ...labels }, read: typeof value === 'function' ? value : () => value })
  }

  /** Reads all gauges without labels; gauges that fail are omitted. */
  async gauges(): Promise<Readonly<Record<string, number>>> {
    const found = await this.readGauges()
    return Object.fromEntries(
      found.filter(({ labels }) => Object.keys(labels).length === 0).map(({ name, value }) => [name, value]),
    )
  }

  /** Reads all gauges. Gauges that fail or take more than 5 s of real time are omitted, and reported once by an event. */
  async readGauges(): Promise<readonly GaugeReading[]> {
    const read = await Promise.allSettled(
      [...this.#gauges].map(async ([key, gauge]) => {
        try {
          const readings = await readGauge(gauge)
          this.#failedGauges.delete(key)
          return readings
        } catch (error) {
          this.#reportGauge(key, gauge, error)
          throw error
        }
      }),
    )
    return read.flatMap((result) =>
      result.status === 'fulfilled' ? result.value.filter(({ value }) => Number.isFinite(value)) : [],
    )
  }

  #reportGauge(key: string, { name }: Gauge, error: unknown): void {
    // After the close of a troupe, its own gauges have nothing to read.
    const isClosed = error instanceof TroupeError && error.code === 'troupe.closed'
    if (isClosed || this.#failedGauges.has(key) || !this.#events) return
    this.#failedGauges.add(key)
    reportCallback({ events: this.#events, clock: this.#clock }, { callback: 'gauge', name }, error)
  }

  /**
   * Returns all metrics in the text format of Prometheus.
   * @example response.type('text/plain; version=0.0.4').send(await troupe.metrics.prometheus())
   */
  prometheus(): Promise<string> {
    return renderPrometheus(this)
  }

  /** Returns the names of the recorded metrics, sorted. */
  names(): readonly string[] {
    return [...this.#metrics.keys()].sort()
  }

  /** Returns all metrics for exporters. */
  metrics(): readonly Metric[] {
    return [...this.#metrics.values()]
  }

  /** Counts without checking the name and the labels: those of events are valid. */
  #add(name: string, by: number, labels: Labels, success: boolean): void {
    this.#one(name, 'counter', labels)?.add(by, success, this.#clock.monotonic())
  }

  #observe(name: string, kind: MetricKind, value: number, { labels, success }: Required<RecordOptions>): void {
    checkValue(name, value)
    const series = this.#one(name, kind, labels)
    const at = this.#clock.monotonic()
    series?.add(1, success, at)
    series?.observe(value, at, ++this.#order)
  }

  /** Returns undefined for a new name of the application beyond the limit, so that unbounded names do not fill the memory. */
  #one(name: string, kind: MetricKind, labels: Labels): Series | undefined {
    let metric = this.#metrics.get(name)
    if (!metric) {
      if (this.#metrics.size >= maxNames && !isPublished(name)) return undefined
      metric = { name, kind, series: new Map() }
      this.#metrics.set(name, metric)
    }
    // A metric that was counted first and timed later is a timer.
    if (metric.kind === 'counter') metric.kind = kind
    const key = keyOf('', labels)
    const found = metric.series.get(key)
    if (found) return found
    const { series } = metric
    const isFull = series.size >= seriesPerName || this.#series >= maxSeries
    const other = isFull ? Object.fromEntries(Object.keys(labels).map((label) => [label, 'other'])) : labels
    const isFullOfNames = series.size >= 2 * seriesPerName || this.#series >= 2 * maxSeries
    const bounded = isFullOfNames && !series.has(keyOf('', other)) ? { labels: 'other' } : other
    const own = series.get(keyOf('', bounded)) ?? new Series({ ...bounded })
    if (!series.has(keyOf('', bounded))) {
      series.set(keyOf('', bounded), own)
      this.#series++
    }
    return own
  }
}

/** The limit counts real time: a database that is read does not follow a test clock. */
async function readGauge(gauge: Gauge): Promise<readonly GaugeReading[]> {
  const found = gauge.reading ?? gauge.read()
  if (typeof found === 'number') return readingsOf(gauge, found)
  const reading = Promise.resolve(found)
  gauge.reading = reading
  const forget = () => {
    if (gauge.reading === reading) gauge.reading = undefined
  }
  reading.then(forget, forget)
  const what = `The gauge ${gauge.name}`
  const limit = { clock: systemClock, limitMs: gaugeLimitMs, kind: 'own', what, signal: undefined }
  return readingsOf(gauge, await withTimeLimit(limit, () => reading))
}

function readingsOf({ name, labels }: Gauge, found: GaugeValue): readonly GaugeReading[] {
  if (typeof found === 'number') return [{ name, labels, value: found }]
  return found.slice(0, seriesPerName).map((one) => ({ name, labels: { ...labels, ...one.labels }, value: one.value }))
}

function checkRecord(name: string, options: RecordOptions): Required<RecordOptions> {
  checkMetric(name)
  checkOptions(`The metric ${name}`, options, ['labels', 'success'])
  const { labels = {}, success = true } = options
  checkLabels(labels)
  checkFlag(`success of the metric ${name}`, success)
  return { labels, success }
}

export function checkMetric(name: string): void {
  const problem =
    typeof name !== 'string'
      ? 'it is not a text'
      : name === ''
        ? 'it is empty'
        : name.length > longestName
          ? `it has ${name.length} characters`
          : undefined
  if (problem !== undefined) throw invalidInput('The name of a metric', problem)
}

/** The highest length of the name of a metric in characters. */
const longestName = 256

/** @throws ValidationError for a value that is not a finite number */
export function checkValue(name: string, value: number): void {
  if (!Number.isFinite(value)) throw invalidInput(`The metric ${name}`, 'its value is not a finite number')
}

/** @throws ValidationError for a value that is not an object of texts, numbers and booleans */
export function checkLabels(labels: Labels): void {
  const isFit = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value)
  if (isPlainObject(labels) && readable('The labels of a metric', () => Object.values(labels).every(isFit))) return
  throw invalidInput('The labels of a metric', 'they must be an object of texts')
}

const has = (labels: Labels, wanted: Labels) => Object.entries(wanted).every(([name, value]) => labels[name] === value)

/** Returns the key of labels, independent of their order. */
function keyOf(name: string, labels: Labels): string {
  let key = name
  for (const label of Object.keys(labels).sort()) key += `\u0000${label}\u0000${labels[label]}`
  return key
}
