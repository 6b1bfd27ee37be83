/** Builds `ctx` over a recorder: the hands come from their rooms, everything else is here. */
import type { ContextHands } from '../context/index.ts'
import { type Clock, failure, type Random } from '../core/index.ts'
import type { Recorder } from '../durable/index.ts'
import type { MessageHands } from '../messaging/index.ts'
import type { AskOptions, StepContext } from './agent-port.ts'

export interface StepHands {
  readonly context: ContextHands
  readonly messages: MessageHands
  /** Puts the question where people see it and waits without holding the process. */
  readonly ask: StepContext['ask']
  /** In a run alone. */
  readonly startRun?: StepContext['startRun']
}

export interface StepContextOptions {
  readonly agent: string
  readonly recorder: Recorder
  readonly clock: Clock
  readonly random: Random
  readonly hands: StepHands
}

export function createStepContext({ agent, recorder, clock, random, hands }: StepContextOptions): StepContext {
  return {
    agent,
    runId: recorder.runId,
    signal: recorder.signal,
    context: hands.context,
    messages: hands.messages,
    effect: (name, spec, fn) => recorder.effect(name, spec, fn),
    ask: (question: AskOptions) => hands.ask(question),
    request: (type, payload, options) => hands.messages.request(type, payload, options),
    startRun: async (spec) => {
      const problem = 'only a step of a run starts runs'
      if (!hands.startRun) throw failure('validation.failed', { what: 'ctx.startRun', problem })
      return hands.startRun(spec)
    },
    commit: () => recorder.commit(),
    now: () => recorder.answerNow({ kind: 'now', name: '' }, () => clock.now()),
    random: () => recorder.answerNow({ kind: 'random', name: '' }, () => random.next()),
  }
}
