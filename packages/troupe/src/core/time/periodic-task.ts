/** Repeats work: a round, an interval, the next round. Rounds never overlap. All periodic work uses this class. */
import type { Cancel, Clock } from './clock.ts'
import type { Random } from './random.ts'

export interface PeriodicTaskOptions {
  /** Its name, for the report of a failure. */
  readonly name: string
  readonly clock: Clock
  /** The time from the end of a round to the next one. */
  readonly intervalMs: number
  /** If set, the interval doubles after each failed round up to this time, until a round succeeds. */
  readonly maxIntervalMs?: number
  /** Adds jitter for processes that share a storage: each interval is up to 10 % shorter. */
  readonly random?: Random | undefined
  /**
   * Runs one round. If it returns a number, the next round starts within that many ms and its timer keeps the process alive; 0
   * means at once. Otherwise the interval passes, and the timer does not keep the process alive.
   */
  readonly run: () => Promise<number | undefined> | Promise<void>
  /** Called with the error of a round, which has ended then. */
  readonly failed?: (error: unknown, name: string) => void
}

/** The largest part of an interval that jitter removes. */
const jitter = 0.1

/** In three states a round is in progress. They differ in what follows: an interval, another round (`repeat`) or none (`stopping`). */
type PeriodicTaskState = 'stopped' | 'waiting' | 'running' | 'repeat' | 'stopping' | 'closed'

/**
 * @example
 * const task = new PeriodicTask({ name: 'cleanup', clock, intervalMs: 60_000, run: () => cleanup() })
 * task.start()
 * await task.close()
 */
export class PeriodicTask {
  readonly #options: PeriodicTaskOptions
  #intervalMs: number
  #state: PeriodicTaskState = 'stopped'
  #cancel: Cancel = () => {}
  /** When the pending round starts, by the monotonic clock. */
  #roundAt = 0
  #isBackground = false
  #isForegroundNext = false
  /** The rounds in a row that have failed. */
  #failures = 0
  #rounds: Promise<void> = Promise.resolve()

  constructor(options: PeriodicTaskOptions) {
    this.#options = options
    this.#intervalMs = options.intervalMs
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** Starts the task: the first round comes after an interval. Has no effect on a started task. */
  start(): void {
    if (this.#state === 'stopping') this.#state = 'running'
    if (this.#state === 'stopped') this.#wait(undefined)
  }

  /** Stops the task: no round starts until it is started again. */
  stop(): void {
    if (this.#state === 'running' || this.#state === 'repeat') this.#state = 'stopping'
    if (this.#state !== 'waiting') return
    this.#cancel()
    this.#state = 'stopped'
  }

  /** Starts a round now, or after the one in progress. @returns when no requested round is left */
  trigger(): Promise<void> {
    if (this.#state === 'running' || this.#state === 'stopping') this.#state = 'repeat'
    if (this.#state === 'stopped' || this.#state === 'waiting') this.#begin()
    return this.#rounds
  }

  /** Something is due that the pending or next round will find: its timer keeps the process alive from now on. */
  keepAlive(): void {
    this.#isForegroundNext = this.#state !== 'waiting'
    if (this.#isForegroundNext || !this.#isBackground) return
    this.#cancel()
    this.#arm(this.#roundAt - this.#options.clock.monotonic(), false)
  }

  /** Sets the interval. A pending round starts after the new interval. */
  setInterval(intervalMs: number): void {
    this.#intervalMs = intervalMs
    if (this.#state !== 'waiting') return
    this.#cancel()
    this.#wait(undefined)
  }

  /** Closes the task: no round starts any more. Resolves when the round in progress has ended. */
  async close(): Promise<void> {
    this.#state = 'closed'
    this.#cancel()
    await this.#rounds
  }

  #wait(dueMs: number | undefined): void {
    const { clock, random, maxIntervalMs = this.#intervalMs } = this.#options
    const shorter = random ? 1 - jitter * random.next() : 1
    const intervalMs = Math.min(this.#intervalMs * 2 ** this.#failures, Math.max(maxIntervalMs, this.#intervalMs))
    const ms = Math.min(dueMs ?? Number.POSITIVE_INFINITY, Math.round(intervalMs * shorter))
    this.#state = 'waiting'
    this.#roundAt = clock.monotonic() + ms
    this.#arm(ms, dueMs === undefined && !this.#isForegroundNext)
    this.#isForegroundNext = false
  }

  #arm(ms: number, background: boolean): void {
    this.#isBackground = background
    this.#cancel = this.#options.clock.after(ms, () => this.#begin(), { background })
  }

  #begin(): void {
    this.#cancel()
    this.#rounds = this.#run()
  }

  /** Decides what follows in the microtask in which a round ends, so that a trigger is never between the two. */
  async #run(): Promise<void> {
    let dueMs: number | undefined
    do {
      this.#state = 'running'
      dueMs = await this.#round()
    } while (this.#is('repeat') || (dueMs === 0 && this.#is('running')))
    if (this.#is('stopping')) this.#state = 'stopped'
    else if (!this.isClosed) this.#wait(dueMs)
  }

  #is(state: PeriodicTaskState): boolean {
    return this.#state === state
  }

  async #round(): Promise<number | undefined> {
    try {
      const dueMs = (await this.#options.run()) ?? undefined
      this.#failures = 0
      return dueMs
    } catch (error) {
      this.#failures++
      this.#options.failed?.(error, this.#options.name)
      return undefined
    }
  }
}
