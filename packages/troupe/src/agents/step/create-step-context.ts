/** Builds `ctx` over a recorder: the hands come from their rooms, everything else is here. */
import type { ContextClient } from '../../context/index.ts'
import { type Clock, encodeJson, failure, type Json, type Random, type Recording } from '../../core/index.ts'
import {
  type EffectCall,
  type EffectFunction,
  type EffectSpec,
  isOutsideEffect,
  type OutsideFunction,
  type Recorder,
} from '../../journal/index.ts'
import type { MessageClient } from '../../messaging/index.ts'
import { type CallLabels, isJoined, type NarrowerRules, type TaintGuard, uniformLabels } from '../../security/index.ts'
import type { AskOptions, StepContext } from '../agent-port.ts'
import { type Asking, agreed, askApproval, judge, taintedActionOf } from './approval.ts'

export interface StepClients {
  readonly context: ContextClient
  readonly messages: MessageClient
  readonly metrics: StepContext['metrics']
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
  readonly clients: StepClients
  readonly guard: TaintGuard
  readonly recording?: Recording | undefined
  /** The step is code of the host's, with no model in it that could be talked into anything. */
  readonly vouches?: boolean
  /** Rules of the team and of the agent. */
  readonly rules?: NarrowerRules
}

export function createStepContext(options: StepContextOptions): StepContext {
  const { agent, recorder, clock, random, clients, guard, recording, vouches = false, rules = {} } = options
  const asking: Asking = { agent, recorder, guard, ask: clients.ask }
  return {
    agent,
    runId: recorder.runId,
    signal: recorder.signal,
    context: clients.context,
    messages: clients.messages,
    metrics: clients.metrics,
    effect(name, spec, fn) {
      const begin = () => {
        const out = withFetch(asking, name, spec, fn)
        return recorder.effect(name, spec, recording ? recordEffect(recording, name, spec, out) : out)
      }
      const labels = uniformLabels(recorder.taint)
      const outside = isOutsideEffect(spec)
      const isRuled = spec?.class !== 'pure' && guard.isRuled(name, rules)
      if (!(outside && isJoined(labels.read)) && !isRuled) return begin()
      return leave(asking, name, { spec, labels, rules }).then(begin)
    },
    async declassify(value, reason) {
      if (!vouches) throw failure('taint.misplaced', { agent, problem: 'a tool acts for its model' })
      if (typeof reason !== 'string' || reason.trim() === '')
        throw failure('validation.failed', { what: 'ctx.declassify', problem: 'it needs a reason' })
      await recorder.answer({ kind: 'declassify', name: reason.slice(0, 200) }, () => {
        guard.declassified(taintedActionOf(asking, `declassify: ${reason.slice(0, 200)}`))
        return [...recorder.taint]
      })
      recorder.clearTaint()
      return value
    },
    ask: (question: AskOptions) => clients.ask(question),
    request: (type, payload, options) => clients.messages.request(type, payload, options),
    startRun: async (spec) => {
      const problem = 'only a step of a run starts runs'
      if (!clients.startRun) throw failure('validation.failed', { what: 'ctx.startRun', problem })
      return clients.startRun(spec)
    },
    commit: () => recorder.commit(),
    now: () => recorder.answerNow({ kind: 'now', name: '' }, () => clock.now()),
    random: () => recorder.answerNow({ kind: 'random', name: '' }, () => random.next()),
  }
}

/** What touches the world in bodies and function agents is traffic of tools like any other; what is pure does not. */
function recordEffect<Out>(
  recording: Recording,
  name: string,
  spec: EffectSpec<Out>,
  fn: EffectFunction<Out>,
): EffectFunction<Out> {
  if (spec?.class === 'pure' || typeof fn !== 'function') return fn
  const request = { input: spec?.input ?? null }
  return (call) => recording.play({ kind: 'effect', name, request, signal: call.signal }, async () => fn(call))
}

/** What nobody is told the arguments of, nobody can approve. @throws AccessDeniedError `taint.denied`, `policy.denied` */
async function leave(
  asking: Asking,
  name: string,
  {
    spec,
    labels,
    rules,
  }: { readonly spec: Pick<EffectSpec, 'class' | 'input'>; readonly labels: CallLabels; readonly rules: NarrowerRules },
): Promise<void> {
  const decision = await judge(
    asking,
    { action: name, labels, outside: isOutsideEffect(spec), rules },
    `effect ${name}`,
  )
  if (decision.verdict === 'allow') return
  const rejected = asking.guard.rejection(taintedActionOf(asking, name), decision)
  if (decision.verdict === 'block' || spec.input === undefined) throw rejected
  const args = JSON.parse(encodeJson(spec.input, `The input of the effect ${name}`)) as Json
  if (!agreed(await askApproval(asking, name, args, decision))) throw rejected
}

function withFetch<Out>(
  asking: Asking,
  name: string,
  spec: EffectSpec<Out>,
  fn: OutsideFunction<Out>,
): EffectFunction<Out> {
  // What is no function is refused where effects begin.
  if (typeof fn !== 'function') return fn
  const taintedAction = taintedActionOf(asking, name)
  return (call: EffectCall) => {
    const fetch = asking.guard.fetchFor(taintedAction, { agreed: isOutsideEffect(spec), mark: call.taint })
    return fn({ ...call, fetch })
  }
}
