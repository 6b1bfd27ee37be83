/** What the policy says of an effect of a handler, which has nobody to ask: where an approval would be needed, it is refused. */
import { type EffectSpec, isOutsideEffect, type Recorder } from '../../journal/index.ts'
import {
  decisionJson,
  isJoined,
  type PolicyDecision,
  type TaintedAction,
  type TaintGuard,
  uniformLabels,
} from '../../security/index.ts'

/** @throws AccessDeniedError `taint.denied`, `policy.denied` */
export function judgeEffect(
  guard: TaintGuard,
  recorder: Recorder,
  taintedAction: TaintedAction,
  spec: Pick<EffectSpec, 'class'>,
): void {
  const { action } = taintedAction
  const outside = isOutsideEffect(spec)
  const labels = uniformLabels(recorder.taint)
  const isRuled = spec?.class !== 'pure' && guard.isRuled(action)
  if (!(outside && isJoined(labels.read)) && !isRuled) return
  const decision = recorder.answerNow({ kind: 'policy', name: `effect ${action}` }, () => {
    const sourceOf = recorder.taintSource.bind(recorder)
    const decided = guard.decide(taintedAction, { action, labels, outside, rules: {}, sourceOf })
    if (decided.verdict === 'ask') guard.denied(taintedAction)
    return decisionJson(decided)
  }) as unknown as PolicyDecision
  if (decision.verdict !== 'allow') throw guard.rejection(taintedAction, decision)
}
