/**
 * The health of a troupe: checks with timeouts, executed concurrently, with cached answers, so that frequent requests
 * cost little. No check can fail or delay another.
 */
import {
  type Clock,
  checkFlag,
  checkFunction,
  checkName,
  checkOptions,
  copyJson,
  type Duration,
  failure,
  invalidInput,
  isObject,
  isPlainObject,
  type Json,
  milliseconds,
  PeriodicTask,
  show,
  storeError,
  systemClock,
} from '../../core/index.ts'
import { withTimeLimit } from '../../resilience/index.ts'

/** The health of a check or of the troupe. */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy'

/** The answer of a check: true or undefined is healthy, false is unhealthy; a thrown error is the reason. */
export type CheckAnswer =
  | boolean
  | undefined
  | {
      /** The health that the check found. */
      readonly status: HealthStatus
      /** The reason, for people; absent if there is none. */
      readonly message?: string
      /** Values to show, without payloads and secrets. */
      readonly details?: { readonly [name: string]: Json }
    }
/** A health check of the application. It should end when the signal aborts, at its timeout. */
export type HealthCheck = (call: {
  /** Aborts at the timeout of the check. */
  readonly signal: AbortSignal
  // biome-ignore lint/suspicious/noConfusingVoidType: a check that only throws returns nothing.
}) => CheckAnswer | void | Promise<CheckAnswer | void>

/** Options of a health check. */
export interface CheckOptions {
  /** The time limit of the check; 5 s by default. */
  readonly timeout?: Duration
  /** True, the default: a failed check makes the troupe unhealthy. False: degraded. */
  readonly critical?: boolean
  /** The time for which an answer is cached; 10 s by default. */
  readonly interval?: Duration
}

/** The report of one check. */
export interface CheckReport {
  /** The name of the check. */
  readonly name: string
  /** The health that the check found. */
  readonly status: HealthStatus
  /** True if a failure of the check makes the troupe unhealthy. */
  readonly critical: boolean
  /** The duration of the check, in ms. */
  readonly durationMs: number
  /** The time of the check as ISO text. */
  readonly checkedAt: string
  /** The reason, for people; absent if there is none. */
  readonly message?: string
  /** The id of the log line, if the check threw an error that is not one of Troupe. */
  readonly errorId?: string
  /** The values that the check returned; absent if it returned none. */
  readonly details?: { readonly [name: string]: Json }
}

/** The health of a troupe with the reports of all checks. */
export interface HealthReport {
  /** `unhealthy` if a critical check is unhealthy, `degraded` if any other check is not healthy. */
  readonly status: HealthStatus
  /** The time of the report, as ISO text. */
  readonly timestamp: string
  /** The time since the monitor was created, in ms. */
  readonly uptimeMs: number
  /** The reports, in the order of registration. */
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
 * Executes health checks and combines their answers.
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
   * @param options.clock the clock of the machine by default
   * @param options.changed is called when the overall status changes
   * @param options.failed receives the error of a check or its `unhealthy` answer; once until it is healthy again
   * @throws ValidationError naming the invalid option
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
   * Registers a check; at most 200.
   * @returns a function that removes the check
   * @throws ValidationError for a registered name, a value that is not a function, or an invalid option
   */
  register(name: string, run: HealthCheck, options: CheckOptions = {}): () => void {
    checkName('health check', name)
    checkOptions('register', options, ['timeout', 'critical', 'interval'])
    checkFunction(`The health check ${name}`, run)
    const wrong = (problem: string) => invalidInput(`The health check ${name}`, problem)
    if (this.#checks.has(name)) throw wrong('the name is in use')
    if (this.#checks.size >= maxChecks) throw wrong(`there are ${maxChecks} already`)
    const check: Registered = {
      name,
      run,
      timeoutMs: milliseconds(options.timeout ?? '5s', 'timeout', '1ms'),
      intervalMs: milliseconds(options.interval ?? '10s', 'interval'),
      critical: checkFlag('critical', options.critical ?? true),
      last: undefined,
      running: undefined,
    }
    this.#checks.set(name, check)
    return () => {
      if (this.#checks.get(name) === check) this.#checks.delete(name)
    }
  }

  /**
   * Executes all checks concurrently and returns their reports. The error of a check is in its report.
   * @throws ValidationError for an unknown option
   */
  async report(
    options: {
      /** Ignores cached answers; false by default. */
      readonly fresh?: boolean
    } = {},
  ): Promise<HealthReport> {
    checkOptions('health', options, ['fresh'])
    const isFresh = checkFlag('fresh', options.fresh ?? false)
    const checks = await Promise.all([...this.#checks.values()].map((check) => this.#reportOf(check, isFresh)))
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

  /** Executes the checks periodically from now on, so that a change is reported without a request. */
  start(every: Duration): void {
    const intervalMs = milliseconds(every, 'health.every')
    const run = async () => void (await this.report())
    this.#task ??= new PeriodicTask({ name: 'health', clock: this.#clock, intervalMs, run })
    this.#task.setInterval(intervalMs)
    this.#task.start()
  }

  /** Stops the periodic execution. */
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
    const found = await withTimeLimit(limit, async (signal) => read(name, await run({ signal }))).catch(
      (error: unknown) => {
        thrown = error
        const { message, errorId } = storeError(error)
        return { status: 'unhealthy' as const, message, ...(errorId === undefined ? {} : { errorId }) }
      },
    )
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

type Details = { readonly [name: string]: Json }
const statuses: readonly unknown[] = ['healthy', 'degraded', 'unhealthy'] satisfies HealthStatus[]

/** Returns what a check found. @throws ValidationError for any other answer, which must not count as healthy */
function read(name: string, answer: unknown): Pick<CheckReport, 'status' | 'message' | 'details'> {
  if (answer === true || answer === undefined) return { status: 'healthy' }
  if (answer === false) return { status: 'unhealthy' }
  const { status, message, details } = isObject(answer) ? answer : {}
  const fits =
    statuses.includes(status) &&
    (message === undefined || typeof message === 'string') &&
    (details === undefined || isPlainObject(details))
  const problem = `it must be true, false, undefined or { status, message, details }, got ${show(answer)}`
  if (!fits) throw invalidInput(`The answer of the health check ${name}`, problem)
  return {
    status: status as HealthStatus,
    ...(message === undefined ? {} : { message: message as string }),
    ...(details === undefined ? {} : { details: copyJson(details, `The details of ${name}`) as Details }),
  }
}

const worst = (checks: readonly CheckReport[]): HealthStatus => {
  if (checks.some(({ status, critical }) => critical && status === 'unhealthy')) return 'unhealthy'
  return checks.some(({ status }) => status !== 'healthy') ? 'degraded' : 'healthy'
}
