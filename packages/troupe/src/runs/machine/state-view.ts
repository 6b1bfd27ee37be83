/** The view of a run's state for code outside of the machine, which does not know the slices of the state. */
import type { Json } from '../../core/index.ts'
import type { Branch } from './branches/branches-slice.ts'
import { nodeIn } from './branches/flow.ts'
import { isTimerRunning, isWallClockTimer } from './clocks/run-time.ts'
import type { JoinState } from './joins/joins-slice.ts'
import type { Amounts, Breakpoint, Pinned } from './machine-events.ts'
import { type ExecuteCommand, executeCommand } from './pending.ts'
import type { AskedQuestion } from './people/questions-slice.ts'
import type { State } from './state.ts'
import type { Step } from './steps/steps-slice.ts'

/** Reads through to the state, and changes with it. */
export class StateView {
  readonly #state: Readonly<State>

  constructor(state: Readonly<State>) {
    this.#state = state
  }

  get pinned(): Pinned {
    return this.#state.run.pinned
  }
  get task(): Json {
    return this.#state.run.task
  }
  /** ms since 1970. */
  get startedAt(): number {
    return this.#state.run.startedAt
  }
  /** The number of events that have led here. */
  get seq(): number {
    return this.#state.run.seq
  }
  get isPaused(): boolean {
    return this.#state.run.pausedBy !== undefined
  }
  /** The breakpoint at which the run is paused; undefined if it is not paused at one. */
  get breakpoint(): Breakpoint | undefined {
    return this.#state.run.breakpoint
  }
  get totalSteps(): number {
    return this.#state.budgets.totalSteps
  }
  get hops(): number {
    return this.#state.budgets.hops
  }
  /** The sum of the run's grants of a common budget; undefined while it draws from none. */
  get granted(): Amounts | undefined {
    return this.#state.budgets.granted
  }
  /** The number of steps that wait for something outside of this run. */
  get externalSteps(): number {
    return this.#state.steps.external
  }

  /** The number of steps that execute, including those that are being stopped. */
  get executingSteps(): number {
    return this.#state.steps.executing
  }

  /** Returns the name of the agent of a node. */
  agentAt(node: string): string {
    return nodeIn(this.#state, node).label
  }
  /** Yields all branches, also ended ones. */
  branches(): Iterable<Readonly<Branch>> {
    return this.#state.branches.all.values()
  }
  branch(id: string): Readonly<Branch> | undefined {
    return this.#state.branches.all.get(id)
  }
  /** Yields the joins that are not closed. */
  joins(): Iterable<Readonly<JoinState>> {
    return this.#state.joins.open.values()
  }
  /** Yields the steps that have not ended. */
  steps(): Iterable<Readonly<Step>> {
    return this.#state.steps.open.values()
  }
  step(id: string): Readonly<Step> | undefined {
    return this.#state.steps.open.get(id)
  }
  /** Returns what executes a step that was started and has not ended. */
  execution(step: string): ExecuteCommand | undefined {
    return executeCommand(this.#state, this.step(step))
  }
  /** True if a question is open. A cancel of the run closes its questions. */
  get isAsking(): boolean {
    return this.#state.questions.open.size > 0
  }

  /** Yields the open questions. */
  questions(): Iterable<Readonly<AskedQuestion>> {
    return this.#state.questions.open.values()
  }
  /** Returns an open question; undefined if there is none. */
  question(id: string): Readonly<AskedQuestion> | undefined {
    return this.#state.questions.open.get(id)
  }
  /** Returns whether an open step has asked a question, open or not. */
  hasAsked(step: string, question: string): boolean {
    return this.step(step)?.questions[question] !== undefined
  }
  /** Returns when a timer is due, in the time that it counts; undefined while it is stopped, and without it. */
  timerDue(name: string): number | undefined {
    return this.#state.clocks.timers.get(name)?.due
  }
  /** Returns the names of the timers that can become due, except those of questions. */
  runningTimers(): readonly string[] {
    const state = this.#state
    return [...state.clocks.timers.keys()].filter((name) => isTimerRunning(state, name) && !isWallClockTimer(name))
  }
}

export const viewOf = (state: Readonly<State>): StateView => new StateView(state)
