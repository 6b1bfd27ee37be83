/** Puts load on an agent or a function and says how it held: counts, throughput, response times. */
import { type Clock, failure } from '../core/index.ts'

export type LoadTarget = { chat(text: string): Promise<unknown> } | ((request: number) => Promise<unknown>)

export interface LoadReport {
  readonly totalRequests: number
  readonly successfulRequests: number
  readonly failedRequests: number
  /** 0 to 1. */
  readonly successRate: number
  /** ms, of all requests. */
  readonly averageResponseTime: number
  readonly minResponseTime: number
  readonly maxResponseTime: number
  readonly requestsPerSecond: number
  readonly totalTime: number
  /** ms below which half, 95 and 99 of 100 requests stayed (nearest rank). */
  readonly percentiles: { readonly p50: number; readonly p95: number; readonly p99: number }
  /** What failed, by name of the error. */
  readonly errors: Readonly<Record<string, number>>
}

/**
 * @example
 * const report = await new LoadTester(agent, { clock }).run({ concurrent: 20, total: 200 })
 */
export class LoadTester {
  readonly #send: (request: number) => Promise<unknown>
  readonly #clock: Clock

  constructor(target: LoadTarget, options: { readonly clock: Clock }) {
    this.#send = typeof target === 'function' ? target : (request) => target.chat(`Test request ${request}`)
    this.#clock = options.clock
  }

  /**
   * @param options.concurrent requests in flight at once, 10 by default
   * @param options.total requests in all, 100 by default
   */
  async run(options: { readonly concurrent?: number; readonly total?: number } = {}): Promise<LoadReport> {
    const total = count('total', options.total ?? 100)
    const concurrent = count('concurrent', options.concurrent ?? 10)
    const times: number[] = []
    const errors: Record<string, number> = {}
    let next = 0
    const began = this.#clock.monotonic()
    const worker = async () => {
      while (next < total) {
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
    return report(times, errors, this.#clock.monotonic() - began)
  }
}

function count(option: string, value: number): number {
  if (!Number.isInteger(value) || value < 1)
    throw failure('validation.failed', {
      what: `The option ${option} of a load test`,
      problem: `it is ${value}, not a whole number from 1`,
    })
  return value
}

function report(times: number[], errors: Readonly<Record<string, number>>, totalTime: number): LoadReport {
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
