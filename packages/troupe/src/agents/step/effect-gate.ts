/**
 * The gate of `ctx.effect`: the decision of the policy with an approval if needed, the egress rules, the cassette, and
 * the results of earlier attempts.
 */
import { capture, copyJson, failure, invalidInput, type Recording, readable, truncateText } from '../../core/index.ts'
import {
  checkEffect,
  type EffectCall,
  type EffectFunction,
  type EffectSpec,
  isOutsideEffect,
  type OutsideFunction,
} from '../../journal/index.ts'
import type { PreviousEffects } from '../../messaging/index.ts'
import { type CallLabels, isJoined, type NarrowerRules, uniformLabels } from '../../security/index.ts'
import { type Asking, agreed, askApproval, judgeCall, taintedActionOf } from './approval.ts'

export interface EffectGateParts {
  readonly recording?: Recording | undefined
  /** The step is code of the application, with no model in it that could be talked into anything. */
  readonly vouches?: boolean
  /** Rules of the team and of the agent. */
  readonly rules?: NarrowerRules
  /** The effects of earlier attempts of the same message. */
  readonly previous?: PreviousEffects
}

export class EffectGate {
  readonly #parts: EffectGateParts
  readonly #asking: Asking

  constructor(asking: Asking, parts: EffectGateParts) {
    this.#asking = asking
    this.#parts = parts
  }

  effect<Out>(name: string, wanted: EffectSpec<Out>, fn: OutsideFunction<Out>): Promise<Out> {
    checkEffect(name, wanted, fn)
    const { input, taint } = wanted
    const captured = {
      ...(input === undefined ? {} : { input: capture(input) }),
      ...(taint ? { taint: [...taint] } : {}),
    }
    const { recorder, guard } = this.#asking
    const { rules = {}, previous } = this.#parts
    const before = wanted.key === undefined ? undefined : previous?.get(`${name}[${wanted.key}]`)
    const spec = { ...wanted, ...captured, begun: before !== undefined }
    // Returning the recorded answer can be repeated, also for an effect that cannot.
    if (before?.state === 'done')
      return recorder.effect(name, { ...spec, class: 'idempotent' }, ({ taint }) => {
        taint(before.taint ?? [])
        return before.output as never
      })
    const begin = () => recorder.effect(name, spec, this.#recorded(name, spec, this.#withFetch(name, spec, fn)))
    const labels = uniformLabels(recorder.taint)
    const isRuled = spec.class !== 'pure' && guard.isRuled(name, rules)
    if (!(isOutsideEffect(spec) && isJoined(labels.read)) && !isRuled) return begin()
    return this.#leave(name, spec, labels).then(begin)
  }

  async declassify<T>(value: T, reason: string): Promise<T> {
    const { agent, recorder, guard } = this.#asking
    // A promise cannot resolve to a value whose `then` cannot be read.
    readable('The value of ctx.declassify', () => (value as { readonly then?: unknown } | null | undefined)?.then)
    if (!this.#parts.vouches)
      throw failure('taint.misplaced', { agent, problem: 'a tool that the model called acts for the model' })
    if (typeof reason !== 'string' || reason.trim() === '') throw invalidInput('ctx.declassify', 'it needs a reason')
    await recorder.answer({ kind: 'declassify', name: truncateText(reason, 200) }, () => {
      guard.declassified(taintedActionOf(this.#asking, `declassify: ${truncateText(reason, 200)}`))
      return [...recorder.taint]
    })
    recorder.clearTaint()
    return value
  }

  /**
   * Requests an approval if the policy requires one. An effect without `input` is rejected, because a person cannot
   * approve it.
   * @throws AccessDeniedError `taint.denied`, `policy.denied`
   */
  async #leave(name: string, spec: Pick<EffectSpec, 'class' | 'input'>, labels: CallLabels): Promise<void> {
    const asking = this.#asking
    const { rules = {} } = this.#parts
    const call = { action: name, labels, outside: isOutsideEffect(spec), rules }
    const decision = await judgeCall(asking, call, `effect ${name}`)
    if (decision.verdict === 'allow') return
    const rejected = asking.guard.rejection(taintedActionOf(asking, name), decision)
    const { ask } = asking
    if (decision.verdict === 'block' || spec.input === undefined || !ask) throw rejected
    const args = copyJson(spec.input, `The input of the effect ${name}`)
    if (!agreed(await askApproval({ ...asking, ask }, name, args, decision))) throw rejected
  }

  #withFetch<Out>(name: string, spec: EffectSpec<Out>, fn: OutsideFunction<Out>): EffectFunction<Out> {
    const taintedAction = taintedActionOf(this.#asking, name)
    return (call: EffectCall) => {
      const fetch = this.#asking.guard.fetchFor(taintedAction, { agreed: isOutsideEffect(spec), mark: call.taint })
      return fn({ ...call, fetch })
    }
  }

  /** Records an effect in the cassette, as a tool call; a pure effect is not recorded. */
  #recorded<Out>(name: string, spec: EffectSpec<Out>, fn: EffectFunction<Out>): EffectFunction<Out> {
    const { recording } = this.#parts
    if (!recording || spec.class === 'pure') return fn
    const request = { input: spec.input ?? null }
    return (call) => recording.play({ kind: 'effect', name, request, signal: call.signal }, async () => fn(call))
  }
}
