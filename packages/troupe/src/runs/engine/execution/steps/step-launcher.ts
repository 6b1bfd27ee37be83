/** Executes the steps of one run in this process: starts, joins, wakes and cancels them. It takes no decision. */
import {
  type Agent,
  buildStepContext,
  type CtxOf,
  guardedStep,
  type Outcome,
  type StepContext,
  type StepEntry,
  stepOfRun,
} from '../../../../agents/index.ts'
import { failure, type Json, type StoredError, taintField, type UserId } from '../../../../core/index.ts'
import type { EffectUndoOptions, EffectUndoResult, Recorder, StepEnd, StepSpec } from '../../../../journal/index.ts'
import { runWorkspace } from '../../../../sandbox/index.ts'
import type { Fragment } from '../../../../storage/index.ts'
import type { Pinned } from '../../../machine/machine-events.ts'
import type { State } from '../../../machine/state.ts'
import { type StateView, viewOf } from '../../../machine/state-view.ts'
import { type RunMessage, runMessageJson } from '../../commands/run-message.ts'
import type { OrchestraParts } from '../../orchestra-parts.ts'
import { descriptionsOf } from '../../starts/run-code.ts'
import { runJournal, stepJournal } from '../../store/run-journals.ts'
import { threadOfStep } from '../../threads/run-threads.ts'
import { isClosedFailure, isPassingFailure } from '../passing-failures.ts'
import { createStepClients } from './create-step-clients.ts'
import { addTrip, type Execute, type Flight, progressIn } from './flight.ts'
import { stepEndMessage, usageOf } from './step-end-message.ts'
import type { BrokenStep, StepHooks, StepProgress } from './step-hooks.ts'
import { stepServices } from './step-services.ts'

type Observers = Pick<StepEntry, 'onSpent' | 'onTripped'>
/** The delay in ms before a step is executed again after a storage error or an abandoned execution. */
export const retryDelayMs = 1_000

export class StepLauncher {
  readonly #parts: OrchestraParts
  readonly #user: UserId
  readonly #run: string
  readonly #agents: ReadonlyMap<string, Agent>
  readonly #pinned: Pinned
  readonly #flights = new Map<string, Flight>()
  /** Another process owns the run: no step starts here any more. */
  #over = false
  /** Steps in progress continue, and no step starts. */
  #draining = false
  #view: StateView | undefined
  #state: Readonly<State> | undefined
  /** Steps for which a message came while the run was paused. */
  readonly #deferred = new Set<string>()

  constructor(parts: OrchestraParts, user: UserId, run: string, pinned: Pinned, agents: ReadonlyMap<string, Agent>) {
    this.#parts = parts
    this.#user = user
    this.#run = run
    this.#pinned = pinned
    this.#agents = agents
  }

  /** The code of the run's agents, by name. */
  get agents(): ReadonlyMap<string, Agent> {
    return this.#agents
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
    const steps = this.steps()
    this.leave()
    await Promise.all(steps.map((step) => this.#parts.journal.steps.release(this.#user, stepJournal(this.#run, step))))
  }

  #startExecution(flight: Flight): void {
    flight.needsRestart = false
    flight.running = this.#execute(flight)
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
        if (end.status === 'parked' && flight.needsRestart && this.#flights.has(flight.command.step)) {
          if (!this.#isPaused) return this.#startExecution(flight)
          this.#deferred.add(flight.command.step)
        }
        if (isReleased(end) || !staying.has(end.status)) this.#flights.delete(flight.command.step)
        flight.hooks.ended(end, progressIn(flight))
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
    const { wakeups } = this.#parts.host
    wakeups.set(`${this.#user} ${stepJournal(this.#run, step)}`, retryDelayMs, retry, { foreground: true })
  }

  #execute(flight: Flight): Promise<StepEnd> {
    const { command, controller, entry } = flight
    flight.entry = undefined
    const spec: StepSpec = {
      ...this.#spec(command, controller.signal, flight),
      ...(entry ? { entry } : {}),
      commitWithRun: async (end, taint, change) => {
        if (this.#over || flight.hasChildRuns) return undefined
        return flight.hooks.commitEnd(
          captured(stepEndMessage(command.step, end, taint, [...flight.trips.values()])),
          change,
        )
      },
    }
    return this.#parts.journal.steps.execute(spec, (recorder) => {
      flight.usage = undefined
      flight.trips = new Map()
      return this.#executeAgent(command, recorder, {
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

  /** Undoes the effects of an ended step. */
  undo(
    command: Execute,
    signal: AbortSignal | undefined,
    options: EffectUndoOptions,
  ): Promise<readonly EffectUndoResult[]> {
    const spec = this.#spec(command, signal)
    return this.#parts.journal.steps.undo(spec, (recorder) => this.#executeAgent(command, recorder, {}), options)
  }

  /** Returns the complete requests of a step to models, by call. */
  requests(command: Execute): Promise<ReadonlyMap<string, Json>> {
    const { requests } = this.#parts.journal.steps
    return requests(this.#spec(command, undefined), (recorder) => this.#executeAgent(command, recorder, {}))
  }

  #spec(command: Execute, signal: AbortSignal | undefined, flight?: Flight): StepSpec {
    const { grace } = this.#pinned.config.timeouts
    return {
      id: stepJournal(this.#run, command.step),
      principal: { userId: this.#user, kind: 'agent', name: command.agent },
      runId: this.#run,
      input: { agent: command.agent, input: command.input },
      ...taintField(command.taint),
      ...(signal ? { signal } : {}),
      ...(grace === undefined ? {} : { graceMs: grace }),
      canResume: () => !this.#isPaused,
      onEnd: (end, taint) =>
        this.#reportEnd(stepEndMessage(command.step, end, taint, [...(flight?.trips.values() ?? [])])),
    }
  }

  async #executeAgent(
    command: Execute,
    recorder: Recorder,
    { onChildRun: onStarted, ...observers }: { readonly onChildRun?: () => void } & Observers,
  ): Promise<Json> {
    const agent = this.#agents.get(command.agent)
    if (!agent) throw failure('agent.unknown', { agent: command.agent, known: [...this.#agents.keys()].join(', ') })
    let startedRuns = false
    try {
      const onChildRun = () => {
        startedRuns = true
        onStarted?.()
      }
      return await this.#program(agent, command, recorder, { onChildRun, ...observers })
    } catch (error) {
      // A cancellation of the step cancels these too.
      if (startedRuns && !recorder.signal.aborted) await this.#parts.host.children.cancelOf(this.#user, recorder.step)
      throw error
    }
  }

  async #program(
    agent: Agent,
    command: Execute,
    recorder: Recorder,
    { onChildRun, ...observers }: { readonly onChildRun: () => void } & Observers,
  ): Promise<Outcome> {
    const { clock, random } = this.#parts.platform
    const { recording, guard } = this.#parts.agents.services
    const services = stepServices(this.#parts, { user: this.#user, run: this.#run, pinned: this.#pinned }, this.#state)
    const shared = {
      clock,
      random,
      recording,
      guard,
      rules: { team: services.teamRules },
      vouches: agent.source !== undefined,
    }
    const at = {
      user: this.#user,
      run: this.#run,
      step: command.step,
      agent: agent.name,
      agents: this.#agents,
      pinned: this.#pinned,
      onChildRun,
    }
    const own = createStepClients(this.#parts, at, agent, recorder)
    const { sandboxes } = services
    const workspaceOver = (over?: StepContext) => sandboxes && { sandboxes, name: runWorkspace(this.#run), over }
    const ctx = buildStepContext({ ...shared, agent: agent.name, recorder, clients: own, workspace: workspaceOver() })
    const ctxOf: CtxOf = (stage, name = agent.name, within = []) => {
      const over = { context: own.context, within }
      const clients = createStepClients(this.#parts, { ...at, agent: name }, agent, stage, over)
      return buildStepContext({ ...shared, agent: name, recorder: stage, clients, workspace: workspaceOver(ctx) })
    }
    const entry: StepEntry = {
      input: command.input,
      ctx,
      recorder,
      ctxOf,
      flow: command.flow,
      services,
      ...threadOfStep(this.#run, this.#pinned, command),
      request: command.request,
      ...observers,
      ...(command.serve ? { serve: { ...command.serve, payload: command.input } } : {}),
      ...(command.results ? { results: command.results as never } : {}),
      ...(command.history ? { history: command.history } : {}),
      descriptions: descriptionsOf(command.flow, this.#pinned.topology.nodes, this.#agents),
      ...this.#shown(command),
    }
    return guardedStep(entry.services, agent.name, recorder, () => stepOfRun(agent, entry))
  }

  /** Publishes the live parts of a step; a quiet run publishes only those that its code requests, and no text. */
  #shown(command: Execute): Pick<StepEntry, 'live' | 'onCall'> {
    const { verbosity, showAgentThoughts, showToolCalls } = this.#pinned.config
    const isShown = (part: Json) =>
      (part as { type?: Json }).type === 'reasoning' ? showAgentThoughts : verbosity !== 'quiet'
    return {
      ...(verbosity === 'quiet' && !showAgentThoughts
        ? {}
        : { live: (part: Json) => (isShown(part) ? this.#live(command, part) : undefined) }),
      ...(showToolCalls ? { onCall: (part: Json) => this.#live(command, part) } : {}),
    }
  }

  #live(command: Execute, part: Json): void {
    const to = command.streamTo ? { to: command.streamTo } : {}
    this.#parts.host.live(this.#user, this.#run, { step: command.step, agent: command.agent, part, ...to })
  }

  /** Returns the inbox row that reports the end to the run, for the change that ends the step. */
  #reportEnd(message: RunMessage & { readonly step: string }): Fragment {
    const { inbox } = this.#parts.journal
    const journal = stepJournal(this.#run, message.step)
    return inbox.put(this.#user, runJournal(this.#run), journal, 'end', runMessageJson(message))
  }
}

/** The execution had no outcome and the step is open: another writer owned its journal, or this process was releasing it. */
export const isReleased = (end: StepEnd | BrokenStep): end is Extract<StepEnd, { status: 'lost' | 'parked' }> =>
  end.status === 'lost' || (end.status === 'parked' && end.waits.length === 0)

/** Ends after which the step stays here: it continues later or, if its journal is broken, stops with its run. */
const staying: ReadonlySet<string> = new Set(['parked', 'uncertain', 'broken'])

/** Copies a value, so that the run and the step's journal have the same value if the code changes it later. */
const captured = (message: RunMessage): RunMessage => JSON.parse(JSON.stringify(message)) as RunMessage
