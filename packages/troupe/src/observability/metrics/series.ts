/** One metric with one set of labels: totals since the start, and the latest values with their times. Memory is bounded. */

/** Labels of a series, by name. */
export type Labels = Readonly<Record<string, string>>

/** The upper bounds of the buckets of a histogram, in ms; the last bucket is unbounded. */
export const bucketBounds = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000]

/** The number of stored values, and of seconds with counts, of one series. */
export const maxSamples = 1_000
const secondMs = 1_000

/** A recorded value. */
export interface MetricObservation {
  /** The value; a duration is in ms. */
  readonly value: number
  /** The time, in ms of the monotonic clock. */
  readonly at: number
  /** The sequence number in the collector, which orders values of the same time. */
  readonly order: number
}

/** The counts within a second of the first, at the time of the last, so that a window omits nothing within it. */
interface Tally {
  readonly from: number
  at: number
  count: number
  failures: number
}

/** The values of a metric with one set of labels: totals since the start, and the latest 1,000 values and seconds. */
export class Series {
  /** The labels of the series. */
  readonly labels: Labels
  /** The number of increments and observations. */
  count = 0
  /** The number of increments and observations that were failures. */
  failures = 0
  /** The sum of the observed values. */
  sum = 0
  /** The number of observations. */
  observed = 0
  /** The least observed value; Infinity if there is none. */
  min = Number.POSITIVE_INFINITY
  /** The greatest observed value; -Infinity if there is none. */
  max = Number.NEGATIVE_INFINITY
  /** Counts per bound, not cumulative; the last is beyond all bounds. */
  readonly buckets: number[] = new Array<number>(bucketBounds.length + 1).fill(0)
  #next = 0
  // Arrays of numbers, each in its place: of objects a thousand young ones would outlive every collection.
  readonly #values: number[] = []
  readonly #times: number[] = []
  readonly #orders: number[] = []
  #tally = -1
  readonly #tallies: Tally[] = []

  constructor(labels: Labels) {
    this.labels = labels
  }

  /** Adds to the count. */
  add(by: number, success: boolean, at: number): void {
    const failures = success ? 0 : by
    this.count += by
    this.failures += failures
    let tally = this.#tallies[this.#tally]
    if (!tally || at - tally.from >= secondMs) {
      this.#tally = (this.#tally + 1) % maxSamples
      tally = { from: at, at, count: 0, failures: 0 }
      this.#tallies[this.#tally] = tally
    }
    tally.at = at
    tally.count += by
    tally.failures += failures
  }

  /** Adds a value. */
  observe(value: number, at: number, order: number): void {
    this.observed++
    this.sum += value
    this.min = Math.min(this.min, value)
    this.max = Math.max(this.max, value)
    let bucket = 0
    while (bucket < bucketBounds.length && value > (bucketBounds[bucket] as number)) bucket++
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1
    this.#values[this.#next] = value
    this.#times[this.#next] = at
    this.#orders[this.#next] = order
    this.#next = (this.#next + 1) % maxSamples
  }

  /** Returns the stored values after `since`. */
  after(since: number): readonly MetricObservation[] {
    return this.#values
      .map((value, i) => ({ value, at: this.#times[i] as number, order: this.#orders[i] as number }))
      .filter(({ at }) => at > since)
  }

  /** Returns the counts of the stored seconds after `since`. */
  countedAfter(since: number): {
    /** The number of increments and observations. */
    readonly count: number
    /** The number of increments and observations that were failures. */
    readonly failures: number
  } {
    if (since === Number.NEGATIVE_INFINITY) return this
    const total = { count: 0, failures: 0 }
    for (const { at, count, failures } of this.#tallies)
      if (at > since) {
        total.count += count
        total.failures += failures
      }
    return total
  }
}
