/** One metric with one set of labels: totals since the start, and the latest values with their times. Memory is bounded. */

export type Labels = Readonly<Record<string, string>>

/** Upper bounds in ms of what a histogram counts; beyond the last is +Inf. From a cached read to a slow run. */
export const bucketBounds = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000]

/** Values kept of one series. */
export const keptValues = 1_000

export interface Observation {
  readonly value: number
  /** Of the monotonic clock. */
  readonly at: number
  readonly success: boolean
  /** Which of the collector's it is: tells the latest where the clock does not move. */
  readonly order: number
}

export class Series {
  readonly labels: Labels
  /** Of increments and observations. */
  count = 0
  failures = 0
  sum = 0
  /** Observations alone. */
  observed = 0
  min = Number.POSITIVE_INFINITY
  max = Number.NEGATIVE_INFINITY
  /** Per bound, not cumulated; the last is beyond all. */
  readonly buckets: number[] = new Array<number>(bucketBounds.length + 1).fill(0)
  #next = 0
  readonly #latest: Observation[] = []

  constructor(labels: Labels) {
    this.labels = labels
  }

  add(by: number, success: boolean): void {
    this.count += by
    if (!success) this.failures += by
  }

  observe(observation: Observation): void {
    const { value } = observation
    this.observed++
    this.sum += value
    this.min = Math.min(this.min, value)
    this.max = Math.max(this.max, value)
    let bucket = 0
    while (bucket < bucketBounds.length && value > (bucketBounds[bucket] as number)) bucket++
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1
    this.#latest[this.#next] = observation
    this.#next = (this.#next + 1) % keptValues
  }

  /** The kept ones that were made after `since`. */
  after(since: number): readonly Observation[] {
    return since === Number.NEGATIVE_INFINITY ? this.#latest : this.#latest.filter(({ at }) => at > since)
  }
}
