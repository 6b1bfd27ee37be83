/** Executes the steps of one run in this process: starts, wakes, cancels and awaits them. It takes no decision. */
import type { Agent } from '../../../../agents/index.ts'
import {
  failure,
  isClosedFailure,
  isLongValue,
  isPassingFailure,
  nextMacrotask,
  type StoredError,
} from '../../../../core/index.ts'
import { type StepEnd, type StepSpec, stepJournal } from '../../../../journal/index.ts'
import { backoffDelay } from '../../../../resilience/index.ts'
import type { State } from '../../../machine/state.ts'
import { type StateView, viewOf } from '../../../machine/state-view.ts'
import type { RunMessage } from '../../commands/run-message.ts'
import type { OrchestraParts } from '../../orchestra-parts.ts'
import { addTrip, type Execute, type Flight, progressIn } from './flight.ts'
import type { CodedRun } from './run-step.ts'
import { StepCode } from './step-code.ts'
import { stepEndMessage, usageOf } from './step-end-message.ts'
import type { BrokenStep, StepHooks, StepProgress } from './step-hooks.ts'

/** The delay in ms before a step is executed again after a storage error or an abandoned execution. */
export const retryDelayMs = 1_000
/** The pauses between executions that fail in a row. */
const backoff = { baseMs: retryDelayMs, maxMs: 10_000 }

export class StepLauncher {
  readonly #parts: OrchestraParts
  readonly #run: CodedRun
  readonly #code: StepCode
  readonly #flights = new Map<string, Flight>()
  /** Another process owns the run: no step starts here any more. */
  #over = false
  /** Steps in progress continue, and no step starts. */
  #draining = false
  #view: StateView | undefined
  #state: Readonly<State> | undefined
  /** Steps for which a message came while the run was paused. */
  readonly #deferred = new Set<string>()

  constructor(parts: OrchestraParts, run: CodedRun) {
    this.#parts = parts
    this.#run = run
    this.#code = new StepCode(parts, run)
  }

  /** The code of the run's agents, by name. */
  get agents(): ReadonlyMap<string, Agent> {
    return this.#run.agents
  }

  /** @param state the changing state of the run, since its breakpoints may change while it executes */
  observeState(state: State): void {
    this.#state = state
    this.#view = viewOf(state)
  }

  /**
   * Starts a step, unless it is already executing here.
   * @param entry how its first execution here begins
   */
  launch(command: Execute, hooks: StepHooks, entry?: StepSpec['entry']): void {
    if (this.#over || this.#draining || this.#flights.has(command.step)) return
    const flight: Flight = {
      command,
      hooks,
      controller: new AbortController(),
      running: undefined,
      retrying: false,
      needsRestart: false,
      executions: 0,
      failures: 0,
      entry,
      hasChildRuns: false,
      usage: undefined,
      trips: new Map(),
    }
    this.#flights.set(command.step, flight)
    if (this.#isPaused && this.#view?.step(command.step)?.status === 'waiting') this.#deferred.add(command.step)
    else this.#startExecution(flight)
  }

  /** A message came for a waiting step; the run may be paused. @returns true if the step is executed again */
  arrived(step: string): boolean {
    const isParked = this.isParked(step)
    if (this.#isPaused && isParked) {
      this.#deferred.add(step)
      return false
    }
    this.wake(step)
    return isParked
  }

  /** The run was resumed. @returns the steps that are executed again for messages that came during the pause */
  resumeParked(): readonly string[] {
    if (this.#isPaused) return []
    const deferred = [...this.#deferred].filter((step) => this.isParked(step))
    this.#deferred.clear()
    for (const step of deferred) this.wake(step)
    return deferred
  }

  get #isPaused(): boolean {
    return this.#view?.isPaused === true
  }

  /** A message came for a step: a parked step is executed again. */
  wake(step: string): void {
    const flight = this.#flights.get(step)
    if (!flight || flight.retrying || this.#draining) return
    if (flight.running) flight.needsRestart = true
    else this.#startExecution(flight)
  }

  /** Returns the steps that execute here, including parked steps. */
  steps(): readonly string[] {
    return [...this.#flights.keys()]
  }

  /** Returns what a step has reported so far; undefined if it is not here. */
  progressOf(step: string): StepProgress | undefined {
    const flight = this.#flights.get(step)
    return flight && progressIn(flight)
  }

  /** Resolves when a step is not being executed here. */
  idle(step: string): Promise<void> | undefined {
    return this.#flights.get(step)?.running
  }

  isParked(step: string): boolean {
    const flight = this.#flights.get(step)
    return flight !== undefined && flight.running === undefined && !flight.retrying
  }

  /** Aborts a step and waits until it has stopped, including its clean-up. */
  async cancel(step: string, reason: StoredError): Promise<void> {
    const flight = this.#flights.get(step)
    if (!flight) return
    flight.controller.abort(failure('cancelled', { what: `The step ${step} (${reason.message})` }))
    await flight.running
    this.#flights.delete(step)
  }

  /** Executing steps continue to their end; the next owner of the run continues after them. */
  drain(): void {
    this.#draining = true
  }

  /** No step is executed again. */
  abandon(): void {
    this.#flights.clear()
  }

  /** Starts and resumes no step any more; steps in progress continue, for the next owner in this process. */
  leave(): void {
    this.#over = true
    this.#flights.clear()
  }

  /** Stops the steps in progress, because this process no longer owns the run. */
  async release(): Promise<void> {
    const { user, run } = this.#run
    const steps = this.steps()
    this.leave()
    await Promise.all(steps.map((step) => this.#parts.journal.steps.release(user, stepJournal(run, step))))
  }

  #startExecution(flight: Flight): void {
    flight.needsRestart = false
    const execution = ++flight.executions
    flight.running = this.#execute(flight)
      .then((end) => {
        flight.failures = 0
        return end
      })
      .catch((error: unknown): BrokenStep | undefined => {
        if (isClosedFailure(error)) return undefined
        const about = { step: flight.command.step, error: error as Error }
        this.#parts.reporting.log.error('a step could not be executed', about)
        if (!isPassingFailure(error)) return { status: 'broken', error }
        this.#retryLater(flight)
        return undefined
      })
      .then((end) => {
        flight.running = undefined
        if (!end || this.#over) return
        if (waiting.has(end.status) && flight.needsRestart && this.#flights.has(flight.command.step)) {
          if (!this.#isPaused) return this.#startExecution(flight)
          this.#deferred.add(flight.command.step)
        }
        if (isReleased(end) || !staying.has(end.status)) this.#flights.delete(flight.command.step)
        flight.hooks.ended(end, progressIn(flight), () => flight.executions === execution)
      })
  }

  /** Executes a step again from its journal after a delay; otherwise the run would wait for it forever. */
  #retryLater(flight: Flight): void {
    const { step } = flight.command
    flight.retrying = true
    const retry = () => {
      flight.retrying = false
      if (this.#flights.get(step) === flight) this.#startExecution(flight)
    }
    const { host, platform } = this.#parts
    const pauseMs = backoffDelay(backoff, ++flight.failures, platform.random)
    host.wakeups.set(`${this.#run.user} ${stepJournal(this.#run.run, step)}`, pauseMs, retry, { foreground: true })
  }

  #execute(flight: Flight): Promise<StepEnd> {
    const { command, controller, entry } = flight
    flight.entry = undefined
    let executions = 0
    const trips = () => [...flight.trips.values()]
    const spec: StepSpec = {
      ...this.#code.spec(command, trips),
      signal: controller.signal,
      canResume: () => !this.#isPaused,
      ...(entry ? { entry } : {}),
      commitWithRun: async (end, taint, change) => {
        if (isLongValue(end)) await nextMacrotask(this.#parts.platform.clock)
        if (this.#over || flight.hasChildRuns) return undefined
        return flight.hooks.commitEnd(captured(stepEndMessage(command.step, end, taint, trips())), change)
      },
    }
    return this.#parts.journal.steps.execute(spec, (recorder) => {
      flight.usage = undefined
      flight.trips = new Map()
      return this.#code.execute(command, recorder, {
        state: this.#state,
        // After a rejected turn the code is executed again, and something may be stored.
        isNew: entry === 'first' && ++executions === 1,
        onChildRun: () => {
          flight.hasChildRuns = true
        },
        onSpent: (spent) => {
          flight.usage = usageOf(spent)
        },
        onTripped: (trip) => addTrip(flight, trip),
      })
    })
  }
}

/** The execution had no outcome and the step is open: another writer owned its journal, or this process was releasing it. */
export const isReleased = (end: StepEnd | BrokenStep): end is Extract<StepEnd, { status: 'lost' | 'parked' }> =>
  end.status === 'lost' || (end.status === 'parked' && end.waits.length === 0)

/** Ends after which the step is executed again when a message comes for it. */
const waiting: ReadonlySet<string> = new Set(['parked', 'uncertain'])
/** Ends after which the step stays here: it continues later or, if its journal is broken, stops with its run. */
const staying: ReadonlySet<string> = new Set([...waiting, 'broken'])

/** Copies a failure, so that the run and the step's journal have the same if the code changes it later. An outcome is a copy. */
const captured = (message: RunMessage): RunMessage =>
  message.type === 'step.returned' ? message : (JSON.parse(JSON.stringify(message)) as RunMessage)
