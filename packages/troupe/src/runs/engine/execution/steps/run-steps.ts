/** Carries out the commands of a run that concern its steps, and reports how the steps ended. Decides nothing. */
import type { StoredError, UserId } from '../../../../core/index.ts'
import { type StepEnd, type StepSpec, stepJournal } from '../../../../journal/index.ts'
import type { CommitResult, Fragment } from '../../../../storage/index.ts'
import type { Command, Input, Pinned } from '../../../machine/machine-events.ts'
import { pending } from '../../../machine/pending.ts'
import type { State } from '../../../machine/state.ts'
import { viewOf } from '../../../machine/state-view.ts'
import { drawBudget } from '../../budgets/draw-budget.ts'
import { type RunMessage, tripsField, waitOf } from '../../commands/run-message.ts'
import type { OrchestraParts } from '../../orchestra-parts.ts'
import type { Execute } from './flight.ts'
import type { StepHooks } from './step-hooks.ts'
import { isReleased, retryDelayMs, type StepLauncher } from './step-launcher.ts'

/** The functions of the owner of a run that its steps need. */
export interface StepsOwner {
  readonly user: UserId
  readonly run: string
  readonly pinned: Pinned
  readonly state: State
  readonly over: boolean
  readonly lost: boolean
  /** Reports a new entry in the run's inbox. */
  arrived(): void
  /** Resolves when the input is durable. */
  apply(make: (at: number) => Input | undefined): Promise<void>
  /** Resolves when no change of the run is under way. */
  idle(): Promise<void>
  /** Commits the end of a step with the next change of the run; undefined: it has to commit alone. */
  commitEnd(step: string, message: RunMessage, change: Fragment): Promise<CommitResult | undefined>
}

export class RunSteps {
  readonly #parts: OrchestraParts
  readonly #owner: StepsOwner
  readonly #launcher: StepLauncher

  constructor(parts: OrchestraParts, owner: StepsOwner, launcher: StepLauncher) {
    this.#parts = parts
    this.#owner = owner
    this.#launcher = launcher
  }

  /** The ids of the steps that this process executes. */
  ids(): readonly string[] {
    return this.#launcher.steps()
  }

  /** Resolves when a step is not being executed here. */
  idle(step: string): Promise<void> | undefined {
    return this.#launcher.idle(step)
  }

  observeState(state: State): void {
    this.#launcher.observeState(state)
  }

  /** @param entry of a step that begins */
  carryOut(command: Command, entry?: StepSpec['entry']): void {
    if (command.type === 'step.execute') this.#launch(command, entry)
    else if (command.type === 'budget.draw') drawBudget(this.#parts, this.#owner, command)
    else if (command.type === 'children.cancel') void this.#cancelChildren()
    else if (command.type === 'step.cancel') void this.cancel(command.step, command.reason)
    // The answer is in the inbox of the step: a parked step executes again for it.
    else if (command.type === 'answer.deliver') this.#launcher.wake(command.step)
    else if (command.type === 'parked.resume') this.#resumeParked()
  }

  /** Cancels a step behind a fence: the outcomes that it reported before are in the inbox, and it cannot report others. */
  async cancel(step: string, reason: StoredError, soFar = this.#launcher.progressOf(step)): Promise<void> {
    const owner = this.#owner
    const journal = stepJournal(owner.run, step)
    try {
      await this.#launcher.cancel(step, reason)
      await this.#parts.journal.steps.markUncertain(owner.user, journal)
      await this.#parts.host.children.cancelOf(owner.user, owner.run, step)
    } catch (error) {
      if (owner.lost) return
      this.#parts.reporting.log.error('a step could not be cancelled; it is retried', {
        run: owner.run,
        step,
        error: error as Error,
      })
      this.#wakeAfter(step, () => void this.cancel(step, reason, soFar))
      return
    }
    owner.arrived()
    const { usage, trips } = soFar ?? {}
    const more = { ...(usage ? { usage } : {}), ...tripsField(trips) }
    await owner.apply((at) => ({ at, type: 'step.failed', step, error: reason, ...more })).catch(() => {})
  }

  /** Executes `children.cancel`: the run ends after its child runs. */
  async #cancelChildren(): Promise<void> {
    const { user, run, pinned } = this.#owner
    try {
      await this.#parts.host.children.cancelAll(user, run, pinned.config.timeouts.grace)
    } catch (error) {
      if (this.#owner.lost) return
      const about = { run, error: error as Error }
      this.#parts.reporting.log.error('the child runs of a run could not be cancelled; this is retried', about)
      this.#wakeAfter('', () => void this.#cancelChildren())
      return
    }
    // If another process owns the run now, that process cancels the child runs.
    await this.#owner.apply((at) => ({ at, type: 'children.cancelled' })).catch(() => {})
  }

  /**
   * Executes a step whose effect was resolved, if the message says so. The notification of the resolution may come later,
   * and a report of the wait that is still to be applied would let the run wait until then.
   */
  noteMessage(message: RunMessage): void {
    if (message.type === 'command' && message.order.type === 'step.resumed') this.#launcher.arrived(message.order.step)
  }

  #resumeParked(): void {
    for (const step of this.#launcher.resumeParked())
      void this.#owner.apply((at) => ({ at, type: 'step.resumed', step })).catch(() => {})
  }

  #launch(command: Execute, entry?: StepSpec['entry']): void {
    const { step } = command
    // A step that waits does nothing that could end its process.
    const isAtWork = viewOf(this.#owner.state).step(step)?.status === 'running'
    const hooks: StepHooks = {
      ended: (end, soFar, isLatest) => {
        if (isReleased(end)) this.#launchLater(step)
        else if (end.status === 'broken') this.#fail(end.error)
        else this.#report({ step, ...soFar }, end, isLatest)
      },
      commitEnd: (message, change) => this.#owner.commitEnd(step, message, change),
    }
    this.#launcher.launch(command, hooks, isAtWork ? entry : undefined)
  }

  /**
   * Launches a step again if the process still owns the run: the previous owner wrote to its journal at the last
   * moment.
   */
  #launchLater(step: string): void {
    const relaunch = () => {
      for (const command of pending(this.#owner.state))
        if (command.type === 'step.execute' && command.step === step) this.#launch(command)
    }
    this.#wakeAfter(step, () => void this.#owner.apply(() => undefined).then(relaunch, () => {}))
  }

  #fail(error: unknown): void {
    void this.#owner
      .apply(() => {
        throw error
      })
      .catch(() => {})
  }

  #report(step: Parameters<typeof waitOf>[0], end: StepEnd, isLatest: () => boolean): void {
    if (this.#owner.lost || end.status === 'cancelled' || end.status === 'lost') return
    if (end.status === 'completed' || end.status === 'failed') void this.#readMissing(step.step)
    else void this.#owner.apply((at) => (isLatest() ? waitOf(step, end, at) : undefined)).catch(() => {})
  }

  /** Reads the end of a step whose notification may be lost together with the response to its commit. */
  async #readMissing(step: string): Promise<void> {
    await this.#owner.idle()
    if (viewOf(this.#owner.state).step(step)) this.#owner.arrived()
  }

  /** @param step empty for a wake-up of the whole run */
  #wakeAfter(step: string, run: () => void): void {
    const { user, run: id } = this.#owner
    this.#parts.host.wakeups.set(`${user} ${stepJournal(id, step)} of the run`, retryDelayMs, run)
  }
}
