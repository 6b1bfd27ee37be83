/**
 * Starts workers in order and restarts failed ones with growing delays. Too many failures within a time window mean that restarts
 * do not help: the supervisor stops all of its children and escalates. It stores no state: messages and recorded effects are
 * durable without it, so each process supervises its own workers, and no message is handled twice because of it.
 */
import { failedWith, failure, sleep, type TroupeError } from '../../core/index.ts'
import { ChildSlot } from './child-slot.ts'
import { FailureWindow } from './failure-window.ts'
import { RecoveryQueue } from './recovery-queue.ts'
import {
  checkChildren,
  type SuperviseChild,
  type SuperviseOptions,
  type SuperviseSettings,
  superviseSettings,
} from './supervise-options.ts'
import { supervisedChild } from './supervised-child.ts'
import type { ChildState, SuperviseParts, Supervision, SupervisionEnd } from './supervision.ts'

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
  readonly #recoveries: RecoveryQueue
  readonly #failures: FailureWindow
  #escalation: TroupeError | undefined
  #finished: Promise<void> | undefined

  /** @throws ValidationError */
  constructor(children: readonly SuperviseChild[], options: SuperviseOptions, parts: SuperviseParts) {
    const settings = superviseSettings(options)
    const over = this.#over.signal
    const supervise = (nested: readonly SuperviseChild[], its: SuperviseOptions) => new Supervisor(nested, its, parts)
    this.#settings = settings
    this.#parts = parts
    // Failures that restart several children are recovered one after the other; else each child has its own pauses.
    this.#recoveries = new RecoveryQueue(settings.strategy !== 'one-for-one')
    this.#failures = new FailureWindow(settings, parts)
    this.#slots = checkChildren(children).map(
      (child) => new ChildSlot(supervisedChild(child, { ...parts, settings, over, supervise }), parts.emit),
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
    return this.#slots.map((slot) => slot.state())
  }

  /** Resolves when each child has started once. @throws AgentError `supervision.escalated` */
  async start(): Promise<void> {
    for (const slot of this.#slots)
      await this.#recoveries.run(async () => {
        if (slot.status !== 'starting') return
        const failed = await this.#begin(slot)
        if (failed) await this.#recover(failed)
      })
    if (!this.#escalation) return
    await this.#finished
    throw this.#escalation
  }

  stop(): Promise<void> {
    this.#finished ??= this.#finish()
    return this.#finished
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** @returns the error of the start */
  async #begin(slot: ChildSlot): Promise<Failed | undefined> {
    if (this.#over.signal.aborted) return undefined
    try {
      await slot.begin((error, isReplaced) => {
        const isPast = () => isReplaced() || this.#over.signal.aborted
        if (isPast()) return
        void this.#recoveries.run(async () => {
          if (!isPast()) await this.#recover({ slot, error })
        })
      })
      return undefined
    } catch (error) {
      return { slot, error }
    }
  }

  async #recover(first: Failed): Promise<void> {
    for (let failed: Failed | undefined = first; failed && !this.#over.signal.aborted; ) {
      const { slot, error }: Failed = failed
      this.#failures.add()
      slot.crashed(error, this.#failures.count)
      const pauseMs = this.#failures.pauseMs()
      if (pauseMs === undefined) return this.#escalate(failed)
      const affected = this.#affected(slot)
      for (const one of affected.toReversed()) await one.end(one === slot ? 'halt' : 'stop')
      await sleep(this.#parts.clock, pauseMs, this.#over.signal).catch(() => {})
      failed = await this.#restartAll(affected)
    }
  }
  async #restartAll(slots: readonly ChildSlot[]): Promise<Failed | undefined> {
    for (const slot of slots) {
      const failed = await this.#begin(slot)
      if (failed) return failed
      if (this.#over.signal.aborted) return undefined
      slot.restarted()
    }
    return undefined
  }
  /** The failed child, and those that ran before and are restarted with it, in their order. */
  #affected(slot: ChildSlot): readonly ChildSlot[] {
    const { strategy } = this.#settings
    if (strategy === 'one-for-one') return [slot]
    const from = strategy === 'one-for-all' ? 0 : this.#slots.indexOf(slot)
    return this.#slots.slice(from).filter((each) => each === slot || each.status !== 'starting')
  }

  #escalate({ slot, error }: Failed): void {
    const { name, withinMs } = this.#settings
    const values = { supervisor: name, failures: this.#failures.count, seconds: withinMs / 1_000 }
    const problem = `${slot.name}: ${slot.error?.message ?? 'unknown'}`
    this.#escalation = failure('supervision.escalated', { ...values, problem }, { cause: error })
    void this.stop()
  }

  async #finish(): Promise<void> {
    this.#over.abort()
    // Recoveries end first: they do not wait for a handler that hangs.
    await this.#recoveries.idle()
    for (const slot of this.#slots.toReversed()) await slot.stop()
    const error = this.#escalation
    if (!error) return this.#end.resolve({ status: 'stopped' })
    const fields = { supervisor: this.name, failures: this.#failures.count }
    this.#parts.emit('supervision.escalated', { ...fields, ...failedWith(error.cause ?? error) }, error)
    this.#end.resolve({ status: 'escalated', error })
    try {
      await this.#settings.onEscalated(error)
    } catch (thrown) {
      this.#parts.emit('worker.failed', { agent: this.name, ...failedWith(thrown) }, thrown)
    }
  }
}
