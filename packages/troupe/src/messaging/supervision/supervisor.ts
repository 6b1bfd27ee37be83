/**
 * Starts workers in order and starts anew what failed, with growing pauses, so that a crash loop is never hot. Too many
 * failures within a while mean that starting anew does not help: it gives up, stops all that is below it, and says so.
 * Nothing of it is stored: messages and recorded effects outlive a worker by themselves, so each process supervises its
 * own, and nothing is handled twice for it.
 *
 * Invariant: a place has at most one worker; what an earlier one still says is not heard.
 */
import { type EventPayloads, failedWith, failure, sleep, type TroupeError } from '../../core/index.ts'
import { backoffDelay } from '../../resilience/index.ts'
import {
  checkChildren,
  type SuperviseChild,
  type SuperviseOptions,
  type SuperviseSettings,
  superviseSettings,
} from './supervise-options.ts'
import { supervisedChild } from './supervised-child.ts'
import type { Child, ChildState, StartedChild, SuperviseParts, Supervision, SupervisionEnd } from './supervision.ts'

class ChildSlot {
  readonly child: Child
  status: ChildState['status'] = 'starting'
  restarts = 0
  error: Error | undefined
  begun: StartedChild | undefined
  /** Raised at each start and each end: a failure of another than the present one is not heard. */
  generation = 0
  constructor(child: Child) {
    this.child = child
  }
}
interface Failed {
  readonly slot: ChildSlot
  readonly error: unknown
}

export class Supervisor implements Supervision {
  readonly #settings: SuperviseSettings
  readonly #parts: SuperviseParts
  readonly #slots: readonly ChildSlot[]
  readonly #over = new AbortController()
  readonly #end = Promise.withResolvers<SupervisionEnd>()
  readonly #work = new Set<Promise<void>>()
  #serial: Promise<void> = Promise.resolve()
  /** Monotonic, of the failures within the window. */
  #failures: number[] = []
  #escalation: TroupeError | undefined
  #finished: Promise<void> | undefined

  /** @throws ValidationError */
  constructor(children: readonly SuperviseChild[], options: SuperviseOptions, parts: SuperviseParts) {
    const settings = superviseSettings(options)
    const over = this.#over.signal
    const supervise = (nested: readonly SuperviseChild[], its: SuperviseOptions) => new Supervisor(nested, its, parts)
    this.#settings = settings
    this.#parts = parts
    this.#slots = checkChildren(children).map(
      (child) => new ChildSlot(supervisedChild(child, { ...parts, settings, over, supervise })),
    )
  }

  get name(): string {
    return this.#settings.name
  }
  get status(): Supervision['status'] {
    if (this.#escalation) return 'escalated'
    if (this.#over.signal.aborted) return 'stopped'
    const all = this.#slots.map(({ status }) => status)
    if (all.every((status) => status === 'running')) return 'running'
    return all.includes('starting') ? 'starting' : 'restarting'
  }
  get ended(): Promise<SupervisionEnd> {
    return this.#end.promise
  }
  children(): readonly ChildState[] {
    return this.#slots.map(({ child, status, restarts, error }) => ({
      name: child.name,
      status,
      restarts,
      ...(error === undefined ? {} : { error }),
      ...(child.children === undefined ? {} : { children: child.children() }),
    }))
  }

  /** Resolves when each is up for the first time. @throws AgentError `supervision.escalated` */
  async start(): Promise<void> {
    for (const slot of this.#slots)
      await this.#doing(async () => {
        if (slot.status !== 'starting') return
        const failed = await this.#begin(slot)
        if (failed) await this.#recover(failed)
      })
    if (!this.#escalation) return
    await this.#finished
    throw this.#escalation
  }

  stop(): Promise<void> {
    return this.#finish()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** What counts together happens one after the other; else each place has its own pauses. */
  #doing(run: () => Promise<void>): Promise<void> {
    const alone = this.#settings.strategy === 'one-for-one'
    const done = alone ? run() : this.#serial.then(run)
    if (!alone) this.#serial = done
    this.#work.add(done)
    void done.then(() => this.#work.delete(done))
    return done
  }

  /** @returns why it did not start */
  async #begin(slot: ChildSlot): Promise<Failed | undefined> {
    if (this.#over.signal.aborted) return undefined
    const generation = ++slot.generation
    try {
      const begun = await slot.child.begin((error) => this.#failed({ slot, error }, generation))
      slot.begun = begun
      slot.status = 'running'
      return undefined
    } catch (error) {
      return { slot, error }
    }
  }

  #failed(failed: Failed, generation: number): void {
    const isPast = () => failed.slot.generation !== generation || this.#over.signal.aborted
    if (isPast()) return
    void this.#doing(async () => {
      if (!isPast()) await this.#recover(failed)
    })
  }

  async #recover(first: Failed): Promise<void> {
    for (let failed: Failed | undefined = first; failed && !this.#over.signal.aborted; ) {
      const pauseMs = this.#count(failed)
      if (pauseMs === undefined) return this.#escalate(failed)
      const affected = this.#affected(failed.slot)
      for (const slot of affected.toReversed()) await this.#endOne(slot, slot === failed.slot ? 'halt' : 'stop')
      await sleep(this.#parts.clock, pauseMs, this.#over.signal).catch(() => {})
      failed = await this.#restartAll(affected)
    }
  }
  async #restartAll(slots: readonly ChildSlot[]): Promise<Failed | undefined> {
    for (const slot of slots) {
      const failed = await this.#begin(slot)
      if (failed) return failed
      if (this.#over.signal.aborted) return undefined
      slot.restarts++
      this.#emit('worker.restarted', slot, { restarts: slot.restarts })
    }
    return undefined
  }

  /** @returns ms until it may be started anew; undefined where there were too many failures */
  #count({ slot, error }: Failed): number | undefined {
    const { withinMs, maxRestarts, backoff } = this.#settings
    const now = this.#parts.clock.monotonic()
    this.#failures = [...this.#failures.filter((at) => now - at < withinMs), now]
    slot.error = error instanceof Error ? error : new Error(String(error), { cause: error })
    this.#emit('worker.crashed', slot, { ...failedWith(error), failures: this.#failures.length }, error)
    if (this.#failures.length > maxRestarts) return undefined
    return backoffDelay(backoff, this.#failures.length, this.#parts.random)
  }
  /** Those that were up or are it, in their order. */
  #affected(slot: ChildSlot): readonly ChildSlot[] {
    const { strategy } = this.#settings
    if (strategy === 'one-for-one') return [slot]
    const from = strategy === 'one-for-all' ? 0 : this.#slots.indexOf(slot)
    return this.#slots.slice(from).filter((each) => each === slot || each.status !== 'starting')
  }

  async #endOne(slot: ChildSlot, how: 'stop' | 'halt'): Promise<void> {
    const { begun } = slot
    slot.generation++
    slot.begun = undefined
    if (slot.status === 'running') slot.status = 'restarting'
    try {
      await begun?.[how]()
    } catch (error) {
      this.#emit('worker.failed', slot, failedWith(error), error)
    }
  }

  #escalate({ slot, error }: Failed): void {
    const { name, withinMs } = this.#settings
    const values = { supervisor: name, failures: this.#failures.length, seconds: withinMs / 1_000 }
    const problem = `${slot.child.name}: ${slot.error?.message ?? 'unknown'}`
    this.#escalation = failure('supervision.escalated', { ...values, problem }, { cause: error })
    void this.#finish()
  }

  #finish(): Promise<void> {
    this.#finished ??= this.#finishOnce()
    return this.#finished
  }
  async #finishOnce(): Promise<void> {
    this.#over.abort()
    // Ended first: a handler that hangs keeps nobody who recovers from it.
    await Promise.all(this.#work)
    for (const slot of this.#slots.toReversed()) {
      await this.#endOne(slot, 'stop')
      slot.status = 'stopped'
    }
    const error = this.#escalation
    if (!error) return this.#end.resolve({ status: 'stopped' })
    const fields = { supervisor: this.name, failures: this.#failures.length }
    this.#parts.emit('supervision.escalated', { ...fields, ...failedWith(error.cause ?? error) }, error)
    this.#end.resolve({ status: 'escalated', error })
    try {
      await this.#settings.onEscalated(error)
    } catch (thrown) {
      this.#parts.emit('worker.failed', { agent: this.name, ...failedWith(thrown) }, thrown)
    }
  }

  #emit<Name extends 'worker.crashed' | 'worker.restarted' | 'worker.failed'>(
    type: Name,
    { child }: ChildSlot,
    fields: Omit<EventPayloads[Name], 'agent'>,
    error?: unknown,
  ): void {
    this.#parts.emit(type, { agent: child.name, ...fields } as EventPayloads[Name], error)
  }
}
