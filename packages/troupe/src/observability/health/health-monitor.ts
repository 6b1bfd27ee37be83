/**
 * Whether the whole works: checks with limits of time, run at once, their answers kept for a while, so that whoever asks
 * often costs little. No check can fail or hold up another.
 */
import {
  type Clock,
  checkFunction,
  checkName,
  checkOptions,
  type Duration,
  failure,
  type Json,
  milliseconds,
  PeriodicTask,
  storeError,
  systemClock,
} from '../../core/index.ts'
import { withTimeLimit } from '../../resilience/index.ts'

export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy'

/** What a check may answer: true or nothing is healthy, false is not; what it throws is the reason. */
export type CheckAnswer =
  | boolean
  | undefined
  | {
      readonly status: HealthStatus
      readonly message?: string
      /** Figures worth seeing; no payloads, no secrets. */
      readonly details?: { readonly [name: string]: Json }
    }
// biome-ignore lint/suspicious/noConfusingVoidType: a check that only throws returns nothing.
export type HealthCheck = (call: { readonly signal: AbortSignal }) => CheckAnswer | void | Promise<CheckAnswer | void>

export interface CheckOptions {
  /** After it the check has failed; 5 s by default. */
  readonly timeout?: Duration
  /** Whether the whole is unhealthy with it, and not degraded alone; true by default. */
  readonly critical?: boolean
  /** For so long an answer is good; 10 s by default. */
  readonly interval?: Duration
}

export interface CheckReport {
  readonly name: string
  readonly status: HealthStatus
  readonly critical: boolean
  readonly durationMs: number
  /** ISO text: when it was looked at. */
  readonly checkedAt: string
  readonly message?: string
  /** Present where the check threw an error that is not Troupe's own: the id under which the log has it. */
  readonly errorId?: string
  readonly details?: { readonly [name: string]: Json }
}

export interface HealthReport {
  /** Unhealthy with a critical check that failed, degraded with any other that is not healthy. */
  readonly status: HealthStatus
  /** ISO text. */
  readonly timestamp: string
  readonly uptimeMs: number
  readonly checks: readonly CheckReport[]
}

interface Registered {
  readonly name: string
  readonly run: HealthCheck
  readonly timeoutMs: number
  readonly intervalMs: number
  readonly critical: boolean
  last: { readonly at: number; readonly report: CheckReport } | undefined
  running: Promise<CheckReport> | undefined
}

const maxChecks = 200

/**
 * @example
 * const health = new HealthMonitor()
 * health.register('shop', async ({ signal }) => (await fetch(shop, { signal })).ok, { timeout: '2s', critical: false })
 * const { status, checks } = await health.report()
 */
export class HealthMonitor {
  readonly #clock: Clock
  readonly #changed: (status: HealthStatus, before: HealthStatus) => void
  readonly #failed: (check: string, error: unknown) => void
  readonly #checks = new Map<string, Registered>()
  readonly #began: number
  #status: HealthStatus = 'healthy'
  #task: PeriodicTask | undefined

  /**
   * @param options.clock the machine's by default
   * @param options.changed is called when the overall status changes
   * @param options.failed receives what a check threw, or that it answered `unhealthy`; not again while it goes on failing
   * @throws ValidationError naming the option that is wrong
   */
  constructor(
    options: {
      readonly clock?: Clock
      readonly changed?: (status: HealthStatus, before: HealthStatus) => void
      readonly failed?: (check: string, error: unknown) => void
    } = {},
  ) {
    checkOptions('HealthMonitor', options, ['clock', 'changed', 'failed'])
    for (const option of ['changed', 'failed'] as const)
      if (options[option] !== undefined) checkFunction(`The option ${option} of HealthMonitor`, options[option])
    this.#clock = options.clock ?? systemClock
    this.#changed = options.changed ?? (() => {})
    this.#failed = options.failed ?? (() => {})
    this.#began = this.#clock.monotonic()
  }

  /**
   * @returns a function that takes it out again
   * @throws ValidationError for a name that is taken, what is no function, or a wrong option
   */
  register(name: string, run: HealthCheck, options: CheckOptions = {}): () => void {
    checkName('health check', name)
    checkOptions('register', options, ['timeout', 'critical', 'interval'])
    checkFunction(`The health check ${name}`, run)
    const wrong = (problem: string) => failure('validation.failed', { what: `The health check ${name}`, problem })
    if (this.#checks.has(name)) throw wrong('there is one of that name')
    if (this.#checks.size >= maxChecks) throw wrong(`there are ${maxChecks} already`)
    const check: Registered = {
      name,
      run,
      timeoutMs: milliseconds(options.timeout ?? '5s', 'timeout', '1ms'),
      intervalMs: milliseconds(options.interval ?? '10s', 'interval'),
      critical: options.critical ?? true,
      last: undefined,
      running: undefined,
    }
    this.#checks.set(name, check)
    return () => {
      if (this.#checks.get(name) === check) this.#checks.delete(name)
    }
  }

  /** Looks at all of them, at once. Never rejects. @param options.fresh asks anew where an answer is kept */
  async report(options: { readonly fresh?: boolean } = {}): Promise<HealthReport> {
    checkOptions('health', options, ['fresh'])
    const checks = await Promise.all(
      [...this.#checks.values()].map((check) => this.#reportOf(check, options.fresh === true)),
    )
    const status = worst(checks)
    const before = this.#status
    this.#status = status
    if (status !== before) this.#changed(status, before)
    return {
      status,
      timestamp: new Date(this.#clock.now()).toISOString(),
      uptimeMs: this.#clock.monotonic() - this.#began,
      checks,
    }
  }

  /** Looks by itself from now on, so that a change is reported even if no caller asks. */
  start(every: Duration): void {
    const intervalMs = milliseconds(every, 'health.every')
    const run = async () => void (await this.report())
    this.#task ??= new PeriodicTask({ name: 'health', clock: this.#clock, intervalMs, run })
    this.#task.setInterval(intervalMs)
    this.#task.start()
  }

  stop(): void {
    this.#task?.stop()
  }

  #reportOf(check: Registered, fresh: boolean): Promise<CheckReport> {
    const { last, intervalMs } = check
    if (!fresh && last && this.#clock.monotonic() - last.at < intervalMs) return Promise.resolve(last.report)
    check.running ??= this.#run(check).finally(() => {
      check.running = undefined
    })
    return check.running
  }

  async #run(check: Registered): Promise<CheckReport> {
    const { name, run, timeoutMs, critical } = check
    const began = this.#clock.monotonic()
    const limit = {
      clock: this.#clock,
      limitMs: timeoutMs,
      kind: 'own',
      what: `The health check ${name}`,
      signal: undefined,
    }
    let thrown: unknown
    const found = await withTimeLimit(limit, async (signal) => read(await run({ signal }))).catch((error: unknown) => {
      thrown = error
      const { message, errorId } = storeError(error)
      return { status: 'unhealthy' as const, message, ...(errorId === undefined ? {} : { errorId }) }
    })
    if (found.status === 'unhealthy' && check.last?.report.status !== 'unhealthy')
      this.#failed(name, thrown ?? failure('health.unhealthy', { check: name, problem: found.message ?? 'no message' }))
    const at = this.#clock.monotonic()
    const report = {
      name,
      critical,
      durationMs: at - began,
      checkedAt: new Date(this.#clock.now()).toISOString(),
      ...found,
    }
    check.last = { at, report }
    return report
  }
}

// biome-ignore lint/suspicious/noConfusingVoidType: a check that only throws returns nothing.
function read(answer: CheckAnswer | void): Exclude<CheckAnswer, boolean | undefined> {
  if (typeof answer === 'object') return answer
  return { status: answer === false ? 'unhealthy' : 'healthy' }
}

const worst = (checks: readonly CheckReport[]): HealthStatus => {
  if (checks.some(({ status, critical }) => critical && status === 'unhealthy')) return 'unhealthy'
  return checks.some(({ status }) => status !== 'healthy') ? 'degraded' : 'healthy'
}
