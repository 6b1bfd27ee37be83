/** The durations of operations by name: of timed events, and of operations that the application measures. */
import {
  type Clock,
  checkFunction,
  checkOptions,
  type Duration,
  invalidInput,
  isPlainObject,
  type Json,
  milliseconds,
  readable,
} from '../core/index.ts'
import { checkMetric, isPublished, type MetricSummary, type MetricsCollector } from './metrics/index.ts'

/** The durations of an operation. Durations are in ms. */
export interface OperationReport {
  /** The name of the operation. */
  readonly operation: string
  /** The number of calls. */
  readonly calls: number
  /** The number of successful calls. */
  readonly successes: number
  /** The number of failed calls. */
  readonly failures: number
  /** The share of successful calls, from 0 to 1. */
  readonly successRate: number
  /** The mean duration of the latest calls, at most 1,000 of each series. */
  readonly averageMs: number
  /** The 50th percentile of these durations. */
  readonly p50Ms: number
  /** The 95th percentile of these durations. */
  readonly p95Ms: number
  /** The 99th percentile of these durations. */
  readonly p99Ms: number
  /** The longest of these durations. */
  readonly slowestMs: number
}

/** A slow call of an operation that the application timed. */
export interface SlowCall {
  /** The name of the operation. */
  readonly operation: string
  /** The duration, in ms. */
  readonly durationMs: number
  /** The time of its end, in ms since 1970. */
  readonly at: number
  /** False if the call failed. */
  readonly success: boolean
  /** The metadata of the timer. */
  readonly metadata: { readonly [name: string]: Json }
}

/** The durations of all operations. */
export interface PerformanceReport {
  /** The time of the report, as ISO text. */
  readonly timestamp: string
  /** The time since the troupe was opened, in ms. */
  readonly uptimeMs: number
  /** Operations, the slowest on average first. */
  readonly operations: readonly OperationReport[]
  /**
   * The figures of the operations that the application timed. Those of Troupe, such as `tool.called` and
   * `storage.read`, are in `operations`.
   */
  readonly summary: {
    /** The number of calls. */
    readonly calls: number
    /** The number of failed calls. */
    readonly failures: number
    /** The share of failed calls, from 0 to 1. */
    readonly errorRate: number
    /** The number of calls per second of the uptime, or of the window. */
    readonly callsPerSecond: number
  }
  /**
   * The slowest calls that the application timed, slowest first. With a window: of the latest 1,000 calls, and of the 50
   * slowest since the troupe was opened, those that ended within the window.
   */
  readonly slowest: readonly SlowCall[]
  /** Returns the report as text for people. */
  toString(): string
}

/** A running timer of a block. With `using`, it ends at the end of the block. */
export interface PerformanceTimer extends Disposable {
  /** Adds a value to the metadata of the call. */
  addMetadata(name: string, value: Json): void
  /** Marks the call as failed. */
  fail(error: unknown): void
  /** Ends the timer and records the call. A second call has no effect. */
  end(): void
}

const maxSlowCalls = 50
const maxLatestCalls = 1_000

const bySlowness = (a: SlowCall, b: SlowCall) => b.durationMs - a.durationMs

/** The durations of operations, of Troupe and of the application. */
export class Performance {
  readonly #clock: Clock
  readonly #metrics: MetricsCollector
  #slow: SlowCall[] = []
  /** The latest calls, the newest last: at most twice `maxLatestCalls`, so that shortening costs little per call. */
  #latest: SlowCall[] = []

  constructor(clock: Clock, metrics: MetricsCollector) {
    this.#clock = clock
    this.#metrics = metrics
  }

  /**
   * Times a block.
   * @example
   * using timer = troupe.performance.time('import', { source: 'shop' })
   * timer.addMetadata('orders', 17)
   */
  time(operation: string, metadata: { readonly [name: string]: Json } = {}): PerformanceTimer {
    checkMetric(operation)
    if (!isPlainObject(metadata)) throw invalidInput('The metadata of a timer', 'it must be an object')
    const began = this.#clock.monotonic()
    const all: Record<string, Json> = readable('The metadata of a timer', () => ({ ...metadata }))
    let success = true
    let over = false
    const end = () => {
      if (over) return
      over = true
      const durationMs = this.#clock.monotonic() - began
      this.#metrics.time(operation, durationMs, { success })
      this.#recordCall({ operation, durationMs, at: this.#clock.now(), success, metadata: all })
    }
    return {
      addMetadata(name, value) {
        all[name] = value
      },
      fail(error) {
        success = false
        all.error = error instanceof Error ? error.name : String(error)
      },
      end,
      [Symbol.dispose]: end,
    }
  }

  /**
   * Times a call: one that fails is counted as failed, and its error passed on. Of a block that throws `time` knows no more
   * than that it ended.
   * @example
   * await troupe.performance.track('import', async (timer) => timer.addMetadata('orders', await importOrders()))
   */
  async track<T>(
    operation: string,
    call: (timer: PerformanceTimer) => T | Promise<T>,
    metadata: { readonly [name: string]: Json } = {},
  ): Promise<T> {
    checkMetric(operation)
    checkFunction(`The function that ${operation} tracks`, call)
    using timer = this.time(operation, metadata)
    try {
      return await call(timer)
    } catch (error) {
      timer.fail(error)
      throw error
    }
  }

  /**
   * Returns the durations of every operation.
   * @throws ValidationError for an invalid window or number
   * @example console.log(String(troupe.performance.report({ window: '5m' })))
   */
  report(
    options: {
      /** Only calls within this time, of each operation at most the latest 1,000; all by default. */
      readonly window?: Duration
      /** The number of slowest calls, from 0 to 50; 5 by default. */
      readonly slowest?: number
    } = {},
  ): PerformanceReport {
    checkOptions('report', options, ['window', 'slowest'])
    const { window, slowest = 5 } = options
    if (!Number.isInteger(slowest) || slowest < 0 || slowest > maxSlowCalls)
      throw invalidInput('slowest', `it must be a whole number from 0 to ${maxSlowCalls}`)
    const operations = this.#metrics
      .metrics()
      .filter(({ kind }) => kind === 'timer')
      .map(({ name }) => operationOf(name, this.#metrics.summary(name, window === undefined ? {} : { window })))
      .filter(({ calls }) => calls > 0)
      .sort((a, b) => b.averageMs - a.averageMs || (a.operation < b.operation ? -1 : 1))
    const users = operations.filter(({ operation }) => !isPublished(operation))
    const calls = users.reduce((sum, one) => sum + one.calls, 0)
    const failures = users.reduce((sum, one) => sum + one.failures, 0)
    const { uptimeMs } = this.#metrics
    const spanMs = window === undefined ? uptimeMs : Math.min(uptimeMs, milliseconds(window, 'window'))
    const report = {
      timestamp: new Date(this.#clock.now()).toISOString(),
      uptimeMs,
      operations,
      summary: {
        calls,
        failures,
        errorRate: calls === 0 ? 0 : failures / calls,
        callsPerSecond: spanMs > 0 ? (calls * 1_000) / spanMs : 0,
      },
      slowest: this.#slowestCalls(window).slice(0, slowest),
    }
    Object.defineProperty(report, 'toString', { value: () => textOf(report) })
    return report
  }

  #slowestCalls(window: Duration | undefined): readonly SlowCall[] {
    if (window === undefined) return this.#slow
    const from = this.#clock.now() - milliseconds(window, 'window')
    const calls = new Set([...this.#slow, ...this.#latest.slice(-maxLatestCalls)])
    return [...calls].filter(({ at }) => at > from).sort(bySlowness)
  }

  #recordCall(call: SlowCall): void {
    this.#latest.push(call)
    if (this.#latest.length >= 2 * maxLatestCalls) this.#latest = this.#latest.slice(-maxLatestCalls)
    const last = this.#slow.at(-1)
    if (this.#slow.length >= maxSlowCalls && last && last.durationMs >= call.durationMs) return
    this.#slow = [...this.#slow, call].sort(bySlowness).slice(0, maxSlowCalls)
  }
}

function operationOf(operation: string, summary: MetricSummary): OperationReport {
  const { count, failures, average, p50, p95, p99, max } = summary
  return {
    operation,
    calls: count,
    successes: count - failures,
    failures,
    successRate: count === 0 ? 1 : (count - failures) / count,
    averageMs: average,
    p50Ms: p50,
    p95Ms: p95,
    p99Ms: p99,
    slowestMs: max,
  }
}

function textOf({ timestamp, operations, summary, slowest }: PerformanceReport): string {
  const ms = (value: number) => value.toFixed(1)
  return [
    `${timestamp}: ${summary.calls} calls, ${summary.failures} failures (${(summary.errorRate * 100).toFixed(1)} %)`,
    ...operations.map(
      (one) =>
        `  ${one.operation}: ${one.calls} calls, ${one.failures} failures, average ${ms(one.averageMs)} ms, p50 ${ms(one.p50Ms)}, p95 ${ms(one.p95Ms)}, p99 ${ms(one.p99Ms)}, slowest ${ms(one.slowestMs)}`,
    ),
    ...slowest.map((call) => `  slow: ${call.operation} ${ms(call.durationMs)} ms ${JSON.stringify(call.metadata)}`),
  ].join('\n')
}
