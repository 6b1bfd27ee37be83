/** Load tests of an agent or a function. */
import { type Clock, checkOptions, checkSignal, fieldOf, invalidInput, systemClock } from '../../core/index.ts'
import { checkInteger } from '../check-integer.ts'

/** The target of a load test: an LlmAgent, or a function of the number of the request, from 0, that makes one request. */
export type LoadTarget =
  | {
      /** Sends a text and resolves with the answer. */
      chat(text: string): Promise<unknown>
    }
  | ((request: number) => Promise<unknown>)

/** The result of a load test. */
export interface LoadReport {
  /** The number of requests sent. */
  readonly totalRequests: number
  /** The number of requests that succeeded. */
  readonly successfulRequests: number
  /** The number of requests that failed. */
  readonly failedRequests: number
  /** The share of successful requests, from 0 to 1. */
  readonly successRate: number
  /** The mean response time of all requests, failed ones included, in ms. */
  readonly averageResponseTime: number
  /** The shortest response time, in ms. */
  readonly minResponseTime: number
  /** The longest response time, in ms. */
  readonly maxResponseTime: number
  /** The number of requests per second of the test, failed ones included. */
  readonly requestsPerSecond: number
  /** The duration of the test, in ms. */
  readonly totalTime: number
  /** Percentiles of the response times, in ms (nearest rank). */
  readonly percentiles: {
    /** 50 % of the requests took at most this long, in ms. */
    readonly p50: number
    /** 95 % of the requests took at most this long, in ms. */
    readonly p95: number
    /** 99 % of the requests took at most this long, in ms. */
    readonly p99: number
  }
  /** The number of failures by name of the error. */
  readonly errors: Readonly<Record<string, number>>
  /** Whether all thresholds were met. */
  readonly passed: boolean
  /** A sentence for each threshold that was not met. */
  readonly breaches: readonly string[]
}

/** The thresholds of a load test. Without a threshold, a value is not judged. */
export interface LoadThresholds {
  /** The lowest share of successful requests, from 0 to 1. */
  readonly successRate?: number
  /** The lowest number of requests per second. */
  readonly requestsPerSecond?: number
  /** The longest mean response time, in ms. */
  readonly averageResponseTime?: number
  /** The longest response time of any request, in ms. */
  readonly maxResponseTime?: number
  /** The highest 50th percentile of the response times, in ms. */
  readonly p50?: number
  /** The highest 95th percentile of the response times, in ms. */
  readonly p95?: number
  /** The highest 99th percentile of the response times, in ms. */
  readonly p99?: number
}

/**
 * Sends concurrent requests and measures them.
 * @example
 * const tester = new LoadTester(agent)
 * const report = await tester.run({ concurrent: 20, total: 200, thresholds: { successRate: 0.95, averageResponseTime: 2_000 } })
 * // A session of its own for each request:
 * await new LoadTester((request) => ada.session(agent).chat(`Request ${request}`)).run()
 */
export class LoadTester {
  readonly #send: (request: number) => Promise<unknown>
  readonly #clock: Clock

  /**
   * @param target an LlmAgent, or a function that makes one request
   * @throws ValidationError for a session: its requests wait for each other, so the test would measure a queue
   */
  constructor(target: LoadTarget, options: { readonly clock?: Clock } = {}) {
    checkOptions('LoadTester', options, ['clock'])
    if (typeof target !== 'function' && typeof fieldOf(target, 'chat') !== 'function')
      throw invalidInput(
        'The argument of LoadTester',
        'it must be an LlmAgent, or a function that makes one request, as a run of a team',
      )
    if (typeof target !== 'function' && 'threadId' in target)
      throw invalidInput(
        'The argument of LoadTester',
        'it is one session, whose requests wait for each other; pass the agent, or a function that opens a session for each request',
      )
    this.#send = typeof target === 'function' ? target : (request) => target.chat(`Test request ${request}`)
    this.#clock = options.clock ?? systemClock
  }

  /**
   * Sends the requests, `concurrent` at a time, and returns the figures. A failed request is counted; it does not end
   * the test.
   * @throws CancelledError if the signal aborts
   */
  async run(
    options: {
      /** The number of requests in flight; 10 by default. */
      readonly concurrent?: number
      /** The total number of requests; 100 by default. */
      readonly total?: number
      /** The thresholds for `passed` and `breaches` of the report; none by default. */
      readonly thresholds?: LoadThresholds
      /** Ends the test after the requests in flight, with CancelledError. */
      readonly signal?: AbortSignal
    } = {},
  ): Promise<LoadReport> {
    checkOptions('LoadTester.run', options, ['concurrent', 'total', 'thresholds', 'signal'])
    checkSignal('LoadTester.run', options.signal)
    const thresholds = checkThresholds(options.thresholds ?? {})
    const total = checkInteger('a load test', 'total', options.total ?? 100)
    const concurrent = checkInteger('a load test', 'concurrent', options.concurrent ?? 10)
    const times: number[] = []
    const errors: Record<string, number> = {}
    let next = 0
    const began = this.#clock.monotonic()
    const worker = async () => {
      while (next < total && !options.signal?.aborted) {
        const request = next++
        const start = this.#clock.monotonic()
        try {
          await this.#send(request)
        } catch (error) {
          const name = error instanceof Error ? error.name : 'Error'
          errors[name] = (errors[name] ?? 0) + 1
        }
        times.push(this.#clock.monotonic() - start)
      }
    }
    await Promise.all(Array.from({ length: Math.min(concurrent, total) }, worker))
    checkSignal('LoadTester.run', options.signal)
    return judged(report(times, errors, this.#clock.monotonic() - began), thresholds)
  }
}

const lowest = ['successRate', 'requestsPerSecond'] as const
const highest = ['averageResponseTime', 'maxResponseTime', 'p50', 'p95', 'p99'] as const

function checkThresholds(thresholds: LoadThresholds): LoadThresholds {
  checkOptions('thresholds', thresholds, [...lowest, ...highest])
  for (const [name, value] of Object.entries(thresholds))
    if (!(typeof value === 'number' && value >= 0))
      throw invalidInput(`The threshold ${name}`, 'it must be a number from 0')
  return thresholds
}

function judged(report: Omit<LoadReport, 'passed' | 'breaches'>, thresholds: LoadThresholds): LoadReport {
  const values = { ...report, ...report.percentiles }
  const breaches = [
    ...lowest.map((name) => ({ name, limit: thresholds[name], worse: values[name] < (thresholds[name] ?? 0) })),
    ...highest.map((name) => ({
      name,
      limit: thresholds[name],
      worse: values[name] > (thresholds[name] ?? Number.POSITIVE_INFINITY),
    })),
  ].flatMap(({ name, limit, worse }) => (worse ? [`${name} is ${values[name]}, the threshold ${limit}`] : []))
  return { ...report, passed: breaches.length === 0, breaches }
}

function report(times: number[], errors: Readonly<Record<string, number>>, totalTime: number) {
  times.sort((a, b) => a - b)
  const failed = Object.values(errors).reduce((sum, n) => sum + n, 0)
  const rank = (share: number) => times[Math.max(0, Math.ceil(times.length * share) - 1)] as number
  return {
    totalRequests: times.length,
    successfulRequests: times.length - failed,
    failedRequests: failed,
    successRate: (times.length - failed) / times.length,
    averageResponseTime: times.reduce((sum, ms) => sum + ms, 0) / times.length,
    minResponseTime: times[0] as number,
    maxResponseTime: times.at(-1) as number,
    requestsPerSecond: totalTime > 0 ? (times.length * 1_000) / totalTime : Number.POSITIVE_INFINITY,
    totalTime,
    percentiles: { p50: rank(0.5), p95: rank(0.95), p99: rank(0.99) },
    errors,
  }
}
