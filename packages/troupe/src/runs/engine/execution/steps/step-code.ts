/** The code of the steps of one run: builds what a step gets, and executes its agent. It does not know which steps execute. */
import {
  type Agent,
  buildStepContext,
  type CtxOf,
  createRepetitionGuard,
  type GuardrailTrip,
  guardedStep,
  type Outcome,
  type Services,
  type StepContext,
  type StepEntry,
  stepOfRun,
} from '../../../../agents/index.ts'
import { failure, type Json, sampledField, taintField, type UserId } from '../../../../core/index.ts'
import {
  type EffectUndoOptions,
  type EffectUndoResult,
  type Recorder,
  runJournal,
  type StepSpec,
  stepJournal,
} from '../../../../journal/index.ts'
import { runWorkspace } from '../../../../sandbox/index.ts'
import { compileRules } from '../../../../security/index.ts'
import type { Fragment } from '../../../../storage/index.ts'
import type { Pinned } from '../../../machine/machine-events.ts'
import { breakpointsIn } from '../../../machine/people/breakpoints.ts'
import type { State } from '../../../machine/state.ts'
import { withDailyBudget } from '../../budgets/daily-usage.ts'
import { parentOf } from '../../children/parent.ts'
import { type RunMessage, runMessageJson } from '../../commands/run-message.ts'
import { callerSpanOf, traceIdOf } from '../../events/run-trace.ts'
import type { OrchestraParts } from '../../orchestra-parts.ts'
import { isOfCaller } from '../../starts/of-caller.ts'
import { descriptionsOf } from '../../starts/run-code.ts'
import { threadOfStep } from '../../threads/run-threads.ts'
import { createStepClients } from './create-step-clients.ts'
import type { Execute } from './flight.ts'
import type { CodedRun } from './run-step.ts'
import { stepEndMessage } from './step-end-message.ts'

/** What an execution in a run has besides its command. */
export interface StepRun extends Pick<StepEntry, 'onSpent' | 'onTripped'> {
  /** The changing state of the run; absent where an ended step is read or undone. */
  readonly state?: Readonly<State> | undefined
  /** True at the first execution of a step that was just started, for which nothing is stored. */
  readonly isNew?: boolean
  /** Called for each child run that the step has started. */
  readonly onChildRun?: () => void
}

export class StepCode {
  readonly #parts: OrchestraParts
  readonly #run: CodedRun

  constructor(parts: OrchestraParts, run: CodedRun) {
    this.#parts = parts
    this.#run = run
  }

  /** Executes the code of a step, from its journal where it has one. */
  async execute(command: Execute, recorder: Recorder, { state, ...observers }: StepRun = {}): Promise<Json> {
    const { user, run, agents, pinned } = this.#run
    const agent = agents.get(command.agent)
    if (!agent) throw failure('agent.unknown', { agent: command.agent, known: [...agents.keys()].join(', ') })
    let startedRuns = false
    const onChildRun = () => {
      startedRuns = true
      observers.onChildRun?.()
    }
    try {
      return await this.#parts.agents.callers.withinRun(isOfCaller(pinned), () =>
        this.#program(agent, command, recorder, { ...observers, state, onChildRun }),
      )
    } catch (error) {
      // A cancellation of the step cancels these too.
      if (startedRuns && !recorder.signal.aborted) await this.#parts.host.children.cancelOf(user, run, command.step)
      throw error
    }
  }

  /** Undoes the effects of an ended step. */
  undo(
    command: Execute,
    signal: AbortSignal | undefined,
    options: EffectUndoOptions,
  ): Promise<readonly EffectUndoResult[]> {
    const spec = { ...this.spec(command), ...(signal ? { signal } : {}) }
    return this.#parts.journal.steps.undo(spec, (recorder) => this.execute(command, recorder), options)
  }

  /** Returns the complete requests of a step to models, by call. */
  requests(command: Execute): Promise<ReadonlyMap<string, Json>> {
    return this.#parts.journal.steps.requests(this.spec(command), (recorder) => this.execute(command, recorder))
  }

  /** @param trips returns the trips of guardrails that the end of the step reports */
  spec(command: Execute, trips: () => readonly GuardrailTrip[] = () => []): StepSpec {
    const { user, run, pinned } = this.#run
    const { grace } = pinned.config.timeouts
    return {
      id: stepJournal(run, command.step),
      principal: { userId: user, kind: 'agent', name: command.agent },
      runId: run,
      traceId: traceIdOf(user, run, pinned),
      ...sampledField(callerSpanOf(pinned)),
      input: { agent: command.agent, input: command.input },
      ...taintField(command.taint),
      ...(grace === undefined ? {} : { graceMs: grace }),
      expectations: () => [this.#parts.journal.journals.exists(user, runJournal(run))],
      onEnd: (end, taint) => this.#reportEnd(stepEndMessage(command.step, end, taint, trips())),
    }
  }

  async #program(
    agent: Agent,
    command: Execute,
    recorder: Recorder,
    { onChildRun, state, isNew, ...observers }: StepRun & { readonly onChildRun: () => void },
  ): Promise<Outcome> {
    const { run, pinned, agents } = this.#run
    const { clock, random } = this.#parts.platform
    const services = stepServices(this.#parts, this.#run, state)
    const shared = {
      clock,
      random,
      recording: services.external.recording,
      guard: services.guard,
      rules: { team: services.limits.teamRules },
      vouches: agent.source !== undefined,
    }
    const at = { ...this.#run, step: command.step, agent: agent.name, onChildRun }
    const own = createStepClients(this.#parts, at, agent, recorder)
    const { sandboxes } = services
    const workspaceOver = (over?: StepContext) => sandboxes && { sandboxes, name: runWorkspace(run), over }
    const ctx = buildStepContext({ ...shared, agent: agent.name, recorder, clients: own, workspace: workspaceOver() })
    const ctxOf: CtxOf = (stage, name = agent.name, within = []) => {
      const over = { context: own.context, within }
      const clients = createStepClients(this.#parts, { ...at, agent: name }, agent, stage, over)
      return buildStepContext({ ...shared, agent: name, recorder: stage, clients, workspace: workspaceOver(ctx) })
    }
    const thread = threadOfStep(run, pinned, command)
    const entry: StepEntry = {
      input: command.input,
      ctx,
      recorder,
      ctxOf,
      flow: command.flow,
      services,
      ...thread,
      isNewThread: isNew === true && command.isFirstOfThread && thread.threadRun === undefined,
      request: command.request,
      ...observers,
      ...(command.serve ? { serve: { ...command.serve, payload: command.input } } : {}),
      ...(command.results ? { results: command.results as never } : {}),
      ...(command.invoked === undefined ? {} : { invoked: command.invoked }),
      ...(command.history ? { history: command.history } : {}),
      descriptions: descriptionsOf(command.flow, pinned.topology.nodes, agents),
      ...this.#shown(command),
    }
    return guardedStep(entry.services, agent.name, recorder, () => stepOfRun(agent, entry))
  }

  /** Publishes the live parts of a step. A quiet run publishes only the thoughts and tool calls that its config shows. */
  #shown(command: Execute): Pick<StepEntry, 'live' | 'onCall'> {
    const { verbosity, showAgentThoughts, showToolCalls } = this.#run.pinned.config
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
    const { user, run } = this.#run
    const to = command.streamTo ? { to: command.streamTo } : {}
    this.#parts.host.live(user, run, { step: command.step, agent: command.agent, part, ...to })
  }

  /** Returns the inbox row that reports the end to the run, for the change that ends the step. */
  #reportEnd(message: RunMessage & { readonly step: string }): Fragment {
    const { user, run } = this.#run
    const journal = stepJournal(run, message.step)
    return this.#parts.journal.inbox.put(user, runJournal(run), journal, 'end', runMessageJson(message))
  }
}

/** @param state the state of the run, whose breakpoints may change while it executes */
function stepServices(
  { stores: { budgets }, settings: { dailyUsage }, agents: { services } }: OrchestraParts,
  { user, run, pinned }: { readonly user: UserId; readonly run: string; readonly pinned: Pinned },
  state: Readonly<State> | undefined,
): Services {
  const { timeouts, budget, guards, debug, policies = [] } = pinned.config
  const limits = parentOf(pinned)?.limits
  const limiting = withDailyBudget(budgets.of(user, run, budget, limits), dailyUsage?.budget(user))
  const breakpoints = state ? breakpointsIn(state) : (debug?.breakOn ?? [])
  const breakOn = breakpoints.flatMap((each) => (each.on === 'tool' ? [each.tool] : []))
  return {
    ...services,
    limits: {
      ...(policies.length > 0 ? { teamRules: policies.map(({ of, rules }) => compileRules(rules, of)) } : {}),
      ...(limiting ? { budget: limiting } : {}),
      timeouts: {
        ...(timeouts.tool === undefined ? {} : { tool: timeouts.tool }),
        ...(timeouts.model === undefined ? {} : { model: timeouts.model }),
        ...(timeouts.human === undefined ? {} : { human: timeouts.human }),
      },
      ...(breakOn.length > 0 ? { breakOn } : {}),
      ...(guards.repetition ? { repetition: createRepetitionGuard(guards.repetition) } : {}),
    },
  }
}
