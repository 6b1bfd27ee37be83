/** Builds `ctx` over a recorder, for steps, tools, helpers and handlers of workers: this is the only place. */
import type { ContextClient } from '../../context/index.ts'
import { type Clock, failure, invalidInput, type Random } from '../../core/index.ts'
import type { MessageClient } from '../../messaging/index.ts'
import { DeferredSandbox, type Sandboxes } from '../../sandbox/index.ts'
import type { StepContext } from '../agent-port.ts'
import type { Asking } from './approval.ts'
import { EffectGate, type EffectGateParts } from './effect-gate.ts'

export interface StepClients {
  readonly context: ContextClient
  readonly messages: MessageClient
  readonly metrics: StepContext['metrics']
  /** Asks a person and waits without occupying the process; absent in a handler. */
  readonly ask?: StepContext['ask']
  /** Starts a child run; absent outside a run. */
  readonly startRun?: StepContext['startRun']
}

/** The workspace with the files of a step. */
export interface StepWorkspace {
  readonly sandboxes: Sandboxes
  readonly name: string
  /** The context of the step over which the stage of a tool call lies. */
  readonly over?: Pick<StepContext, 'sandbox'> | undefined
}

export interface StepContextOptions extends EffectGateParts, Pick<Asking, 'agent' | 'recorder' | 'guard'> {
  readonly clock: Clock
  readonly random: Random
  readonly clients: StepClients
  /** Absent in a handler of messages. */
  readonly workspace?: StepWorkspace | undefined
}

export function buildStepContext(options: StepContextOptions): StepContext {
  const { agent, recorder, guard, clock, random, clients, workspace, ...rules } = options
  const { ask } = clients
  const effects = new EffectGate({ agent, recorder, guard, ...(ask ? { ask } : {}) }, rules)
  const effect: StepContext['effect'] = (name, spec, fn) => effects.effect(name, spec, fn)
  const openSandbox = () => {
    if (!workspace) throw failure('sandbox.absent', { what: 'ctx.sandbox' })
    return workspace.sandboxes.open({ recorder, workspace: workspace.name, effect, over: workspace.over?.sandbox })
  }
  const sandbox = new DeferredSandbox(openSandbox, (run) => recorder.clientCall(run))
  return {
    agent,
    runId: recorder.runId,
    signal: recorder.signal,
    context: clients.context,
    messages: clients.messages,
    metrics: clients.metrics,
    sandbox,
    effect,
    declassify: (value, reason) => effects.declassify(value, reason),
    ask: async (question) => {
      const problem = 'a handler of messages has no person to ask'
      if (!ask) throw invalidInput('ctx.ask', problem)
      return ask(question)
    },
    request: (type, payload, asked) => clients.messages.request(type, payload, asked),
    startRun: async (spec) => {
      const problem = 'only a step of a run starts runs'
      if (!clients.startRun) throw invalidInput('ctx.startRun', problem)
      return clients.startRun(spec)
    },
    commit: () => recorder.commit(),
    now: () => recorder.answerNow({ kind: 'now', name: '' }, () => clock.now()),
    random: () => recorder.answerNow({ kind: 'random', name: '' }, () => random.next()),
  }
}
