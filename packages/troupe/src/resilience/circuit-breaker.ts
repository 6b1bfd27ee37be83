/**
 * A circuit breaker: rejects calls for a while after repeated failures. cockatiel's breaker is not used, because it
 * reads `Date.now` instead of a troupe's clock. It also cannot count results that the caller records.
 */
import {
  type Clock,
  checkFunction,
  checkOptions,
  checkPredicate,
  type Duration,
  duration,
  failure,
  milliseconds,
  systemClock,
} from '../core/index.ts'
import { checkInteger } from './check-integer.ts'
import { checkGuarded, type Guarded, type Policy, type PolicyCall } from './policy.ts'

/** Options of a `CircuitBreaker`. */
export interface CircuitBreakerOptions {
  /** The number of consecutive failures that open the circuit; 5 by default. */
  readonly failures?: number
  /** How long the circuit stays open before it admits one call; 60 s by default. */
  readonly pause?: Duration
  /**
   * Selects the errors that count as failures; all by default. Other errors, and aborted calls, count neither as
   * failure nor as success.
   */
  readonly counts?: (error: unknown) => boolean
  /**
   * Returns the error of a rejected call, from the time in ms after which a call is admitted at the latest;
   * CircuitOpenError by default.
   */
  readonly rejection?: (leftMs: number) => Error
  /** The machine's clock by default. */
  readonly clock?: Clock
}

/**
 * A policy that lets all calls through while closed and none while open. While half-open it admits one call at a time,
 * whose result closes or opens the circuit.
 * @example
 * const breaker = new CircuitBreaker({ failures: 5, pause: '60s' })
 * const stock = await breaker.execute(() => askStock())
 */
export class CircuitBreaker implements Policy {
  readonly #options: CircuitBreakerOptions
  readonly #clock: Clock
  readonly #limit: number
  readonly #pauseMs: number
  #failures = 0
  /** When the circuit admits the next call; undefined while it is closed. */
  #openUntil: number | undefined
  /** The time until which the result of the admitted call is awaited. */
  #trialUntil: number | undefined
  /** Incremented when the circuit opens or closes. The result of a call that began before is ignored. */
  #epoch = 0

  /** @throws ValidationError that names the wrong option */
  constructor(options: CircuitBreakerOptions = {}) {
    checkOptions('CircuitBreaker', options, ['failures', 'pause', 'counts', 'rejection', 'clock'])
    this.#options = options
    this.#clock = options.clock ?? systemClock
    for (const name of ['counts', 'rejection'] as const)
      if (options[name] !== undefined) checkFunction(`The option ${name} of CircuitBreaker`, options[name])
    this.#limit = checkInteger('CircuitBreaker', 'failures', options.failures ?? 5)
    this.#pauseMs = milliseconds(options.pause ?? '60s', 'The pause of a CircuitBreaker', '1ms')
  }

  /** @throws the error of `rejection` while the circuit is open, else the error of `fn` */
  async execute<Out>(fn: Guarded<Out>, call: PolicyCall = {}): Promise<Out> {
    checkGuarded('CircuitBreaker.execute', fn, call)
    if (!this.canExecute()) throw this.rejection()
    const epoch = this.#epoch
    try {
      const out = await fn({ signal: call.signal })
      if (epoch === this.#epoch) this.recordSuccess()
      return out
    } catch (error) {
      if (epoch === this.#epoch) {
        if (!isAborted(call.signal) && this.#counts(error)) this.recordFailure()
        else this.#trialUntil = undefined
      }
      throw error
    }
  }

  #counts(error: unknown): boolean {
    const { counts } = this.#options
    return !counts || checkPredicate('The option counts of CircuitBreaker', counts(error))
  }

  /**
   * Returns whether a call may start, for callers that record the results themselves with `recordSuccess` or
   * `recordFailure`. While half-open, the admitted call occupies the only slot until its result is recorded or the
   * pause has passed again.
   */
  canExecute(): boolean {
    if (this.#openUntil === undefined) return true
    if (this.#isRejecting()) return false
    this.#trialUntil = this.#clock.monotonic() + this.#pauseMs
    return true
  }

  /** Whether the circuit is open, or half-open with a trial call whose result is awaited. */
  #isRejecting(): boolean {
    return this.#leftMs() > 0
  }

  /** The time after which a call is admitted at the latest; 0 while calls are admitted. */
  #leftMs(): number {
    if (this.#openUntil === undefined) return 0
    return Math.max(0, Math.max(this.#openUntil, this.#trialUntil ?? 0) - this.#clock.monotonic())
  }

  /**
   * Records the success of a call that `canExecute` admitted: the circuit closes, and the count of failures restarts.
   */
  recordSuccess(): void {
    this.#failures = 0
    if (this.#openUntil !== undefined) this.#epoch++
    this.#openUntil = undefined
    this.#trialUntil = undefined
  }

  /**
   * Records the failure of a call that `canExecute` admitted. The circuit opens at the configured number of failures in
   * a row, and at once if it was half-open.
   */
  recordFailure(): void {
    this.#failures++
    if (this.#openUntil !== undefined || this.#failures >= this.#limit) this.#openCircuit()
  }

  #openCircuit(): void {
    this.#openUntil = this.#clock.monotonic() + this.#pauseMs
    this.#trialUntil = undefined
    this.#epoch++
  }

  /**
   * `closed`: calls are admitted; `open`: they are rejected; `half-open`: the pause has passed, and one trial call is
   * admitted.
   */
  get state(): 'closed' | 'open' | 'half-open' {
    if (this.#openUntil === undefined) return 'closed'
    return this.#clock.monotonic() < this.#openUntil ? 'open' : 'half-open'
  }

  /** Returns the error of a rejected call. */
  rejection(): Error
  /** Returns the error with which a call would be rejected now, without counting a trial; undefined for none. */
  rejection(call: PolicyCall): Error | undefined
  rejection(call?: PolicyCall): Error | undefined {
    if (call && !this.#isRejecting()) return undefined
    const leftMs = Math.max(1, Math.ceil(this.#leftMs()))
    return (
      this.#options.rejection?.(leftMs) ??
      failure('circuit.open', { pause: shownPause(leftMs), seconds: Math.ceil(leftMs / 1_000) })
    )
  }
}

/** Rounds a pause of more than a second up to seconds. */
const shownPause = (ms: number) => duration(ms > 1_000 ? Math.ceil(ms / 1_000) * 1_000 : ms)

/** Whether the caller aborted the call, which says nothing about the target. A timeout is a failure of the target. */
const isAborted = (signal: AbortSignal | undefined): boolean =>
  signal?.aborted === true && (signal.reason as Error | undefined)?.name !== 'TimeoutError'
