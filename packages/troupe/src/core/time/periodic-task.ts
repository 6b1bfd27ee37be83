/** The one way in which work repeats: a round, an interval, the next round; never two rounds at once. */
import type { Cancel, Clock } from './clock.ts'
import type { Random } from './random.ts'

export interface PeriodicTaskOptions {
  /** For the callback of a failure. */
  readonly name: string
  readonly clock: Clock
  /** From the end of a round to the next one. */
  readonly intervalMs: number
  /** Spreads the rounds of processes that share a storage: an interval is then up to 10 % shorter. */
  readonly random?: Random | undefined
  /**
   * One round. A number is the ms until something is due: the next round comes no later, and its timer keeps the process
   * alive; 0 is a round at once. Without a number the interval passes, and the timer does not keep the process alive.
   */
  readonly run: () => Promise<number | undefined> | Promise<void>
  /** Is called with the failure of a round, which is over then. */
  readonly failed?: (error: unknown, name: string) => void
}

/** The greatest part of an interval that is left out. */
const jitter = 0.1

/** A round is in progress in three states: an interval, another round (`repeat`) or no round (`stopping`) follows it. */
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
  #rounds: Promise<void> = Promise.resolve()

  constructor(options: PeriodicTaskOptions) {
    this.#options = options
    this.#intervalMs = options.intervalMs
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** The first round comes after an interval. A task that was started stays as it is. */
  start(): void {
    if (this.#state === 'stopping') this.#state = 'running'
    if (this.#state === 'stopped') this.#wait(undefined)
  }

  /** No round begins until the task is started again. */
  stop(): void {
    if (this.#state === 'running' || this.#state === 'repeat') this.#state = 'stopping'
    if (this.#state !== 'waiting') return
    this.#cancel()
    this.#state = 'stopped'
  }

  /** Begins a round now, or after the one in progress. @returns when no round is left to be made at once */
  trigger(): Promise<void> {
    if (this.#state === 'running' || this.#state === 'stopping') this.#state = 'repeat'
    if (this.#state === 'stopped' || this.#state === 'waiting') this.#begin()
    return this.#rounds
  }

  /** Holds from now on: a round that is waited for comes after the new interval. */
  setInterval(intervalMs: number): void {
    this.#intervalMs = intervalMs
    if (this.#state !== 'waiting') return
    this.#cancel()
    this.#wait(undefined)
  }

  /** No round begins any more. Resolves when the one in progress is over. */
  async close(): Promise<void> {
    this.#state = 'closed'
    this.#cancel()
    await this.#rounds
  }

  #wait(dueMs: number | undefined): void {
    const { clock, random } = this.#options
    const shorter = random ? 1 - jitter * random.next() : 1
    const ms = Math.min(dueMs ?? Number.POSITIVE_INFINITY, Math.round(this.#intervalMs * shorter))
    this.#state = 'waiting'
    this.#cancel = clock.after(ms, () => this.#begin(), { background: dueMs === undefined })
  }

  #begin(): void {
    this.#cancel()
    this.#rounds = this.#run().then((dueMs) => {
      if (this.#state === 'stopping') this.#state = 'stopped'
      else if (!this.isClosed) this.#wait(dueMs)
    })
  }

  async #run(): Promise<number | undefined> {
    for (;;) {
      this.#state = 'running'
      const dueMs = await this.#round()
      if (!(this.#is('repeat') || (dueMs === 0 && this.#is('running')))) return dueMs
    }
  }

  #is(state: PeriodicTaskState): boolean {
    return this.#state === state
  }

  async #round(): Promise<number | undefined> {
    try {
      return (await this.#options.run()) ?? undefined
    } catch (error) {
      this.#options.failed?.(error, this.#options.name)
      return undefined
    }
  }
}
