/** Runs a load test on an agent or a function and reports counts, throughput and response times. */
import { type Clock, checkOptions, checkSignal, failure, fieldOf, systemClock } from '../../core/index.ts'
import { checkInteger } from '../check-integer.ts'

export type LoadTarget = { chat(text: string): Promise<unknown> } | ((request: number) => Promise<unknown>)

export interface LoadReport {
  readonly totalRequests: number
  readonly successfulRequests: number
  readonly failedRequests: number
  /** 0 to 1. */
  readonly successRate: number
  /** The response times of all requests, in ms. */
  readonly averageResponseTime: number
  readonly minResponseTime: number
  readonly maxResponseTime: number
  readonly requestsPerSecond: number
  readonly totalTime: number
  /** The response times in ms of 50, 95 and 99 of 100 requests (nearest rank). */
  readonly percentiles: { readonly p50: number; readonly p95: number; readonly p99: number }
  /** The number of failures by name of the error. */
  readonly errors: Readonly<Record<string, number>>
  /** Whether all thresholds were met. */
  readonly passed: boolean
  /** A sentence for each threshold that was not met. */
  readonly breaches: readonly string[]
}

/** The thresholds of a load test; times in ms, rates from 0 to 1. */
export interface LoadThresholds {
  /** Lower bounds. */
  readonly successRate?: number
  readonly requestsPerSecond?: number
  /** Upper bounds. */
  readonly averageResponseTime?: number
  readonly maxResponseTime?: number
  readonly p50?: number
  readonly p95?: number
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
   * @param target an agent, or a function that makes one request
   * @throws ValidationError for a session: its requests wait for each other, so the test would measure a queue
   */
  constructor(target: LoadTarget, options: { readonly clock?: Clock } = {}) {
    checkOptions('LoadTester', options, ['clock'])
    if (typeof target !== 'function' && typeof fieldOf(target, 'chat') !== 'function')
      throw failure('validation.failed', {
        what: 'What LoadTester was given',
        problem: 'it is neither an agent nor a function',
      })
    if (typeof target !== 'function' && 'threadId' in target)
      throw failure('validation.failed', {
        what: 'What LoadTester was given',
        problem:
          'it is one session, whose requests wait for each other; pass the agent, or a function that opens a session for each request',
      })
    this.#send = typeof target === 'function' ? target : (request) => target.chat(`Test request ${request}`)
    this.#clock = options.clock ?? systemClock
  }

  /**
   * Runs the test.
   * @param options.concurrent the number of requests in flight, 10 by default
   * @param options.total the total number of requests, 100 by default
   * @param options.signal ends the test after the requests in flight, with CancelledError
   * @param options.thresholds the thresholds for `passed` and `breaches` of the report
   */
  async run(
    options: {
      readonly concurrent?: number
      readonly total?: number
      readonly thresholds?: LoadThresholds
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
      throw failure('validation.failed', { what: `The threshold ${name}`, problem: 'it is not a number from 0' })
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
