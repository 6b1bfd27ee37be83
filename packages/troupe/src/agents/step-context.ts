/** Builds `ctx` over a recorder: the hands come from their rooms, everything else is here. */
import type { ContextHands } from '../context/index.ts'
import { type Clock, encodeJson, failure, type Json, type Random, type Tape } from '../core/index.ts'
import type { EffectCall, EffectFunction, EffectSpec, OutsideFunction, Recorder } from '../durable/index.ts'
import type { MessageHands } from '../messaging/index.ts'
import { isJoined, type TaintGuard } from '../security/index.ts'
import type { AskOptions, StepContext } from './agent-port.ts'
import { type Asking, actOf, agreed, askApproval, judge } from './approval.ts'

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
  readonly guard: TaintGuard
  readonly tape?: Tape | undefined
  /** The step is code of the host's, with no model in it that could be talked into anything. */
  readonly vouches?: boolean
}

export function createStepContext(options: StepContextOptions): StepContext {
  const { agent, recorder, clock, random, hands, guard, tape, vouches = false } = options
  const asking: Asking = { agent, recorder, guard, ask: hands.ask }
  return {
    agent,
    runId: recorder.runId,
    signal: recorder.signal,
    context: hands.context,
    messages: hands.messages,
    effect(name, spec, fn) {
      const begin = () => {
        const out = withFetch(asking, name, spec, fn)
        return recorder.effect(name, spec, tape ? taped(tape, name, spec, out) : out)
      }
      return isOutside(spec) && isJoined(recorder.taint) ? leave(asking, name, spec.input).then(begin) : begin()
    },
    async declassify(value, reason) {
      if (!vouches) throw failure('taint.misplaced', { agent, problem: 'a tool acts for its model' })
      if (typeof reason !== 'string' || reason.trim() === '')
        throw failure('validation.failed', { what: 'ctx.declassify', problem: 'it needs a reason' })
      await recorder.answer({ kind: 'declassify', name: reason.slice(0, 200) }, () => {
        guard.declassified(actOf(asking, `declassify: ${reason.slice(0, 200)}`))
        return [...recorder.taint]
      })
      recorder.clearTaint()
      return value
    },
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

/** What touches the world in bodies and function agents is traffic of tools like any other; what is pure does not. */
function taped<Out>(tape: Tape, name: string, spec: EffectSpec<Out>, fn: EffectFunction<Out>): EffectFunction<Out> {
  if (spec?.class === 'pure' || typeof fn !== 'function') return fn
  const request = { input: spec?.input ?? null }
  return (call) => tape.play({ kind: 'effect', name, request, signal: call.signal }, async () => fn(call))
}

const isOutside = (spec: Pick<EffectSpec, 'class'>): boolean => spec?.class === 'idempotent' || spec?.class === 'once'

/** What nobody is told the arguments of, nobody can approve. @throws AccessDeniedError `taint.refused` */
async function leave(asking: Asking, name: string, input: unknown): Promise<void> {
  const verdict = await judge(asking, name, `effect ${name}`)
  if (verdict === 'go') return
  const refused = asking.guard.refusal(actOf(asking, name))
  if (verdict === 'refuse' || input === undefined) throw refused
  const args = JSON.parse(encodeJson(input, `The input of the effect ${name}`)) as Json
  if (!agreed(await askApproval(asking, name, args))) throw refused
}

function withFetch<Out>(
  asking: Asking,
  name: string,
  spec: EffectSpec<Out>,
  fn: OutsideFunction<Out>,
): EffectFunction<Out> {
  // What is no function is refused where effects begin.
  if (typeof fn !== 'function') return fn
  const act = actOf(asking, name)
  return (call: EffectCall) => {
    const fetch = asking.guard.fetchFor(act, { agreed: isOutside(spec), mark: call.taint })
    return fn({ ...call, fetch })
  }
}
