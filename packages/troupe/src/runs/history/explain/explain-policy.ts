/** Which calls a policy let through, asked about or blocked, and by which labels of which arguments. */
import { describeDecision, type PolicyDecision } from '../../../security/index.ts'
import type { NumberedEvent } from '../../engine/events/run-event.ts'
import type { PastRun } from '../past-run.ts'
import type { ExplanationLine } from './explanation-line.ts'

/** What was decided in steps, by the step: the call, as `TOOL N.M`, and the decision. */
export type DecisionsByStep = ReadonlyMap<
  string,
  readonly { readonly name: string; readonly decision: PolicyDecision }[]
>

type StepStarted = Extract<NumberedEvent, { readonly type: 'step.started' }>

/** Steps whose decisions are read: the newest ones of a long run. */
const maxSteps = 200

export const explainedSteps = (events: readonly NumberedEvent[]): readonly StepStarted[] =>
  events.filter((event) => event.type === 'step.started').slice(-maxSteps) as StepStarted[]

const verbs = { allow: 'allowed', ask: 'asked a person about', block: 'blocked' } as const

export function explainPolicy(past: PastRun, decisions: DecisionsByStep = new Map()): readonly ExplanationLine[] {
  return explainedSteps(past.events).flatMap(({ step, agent, seq }) =>
    (decisions.get(step) ?? []).flatMap(({ name, decision }) => {
      if (decision.rule === undefined) return []
      const text = `The policy ${verbs[decision.verdict]} the call ${name} of ${agent} (${step}): ${describeDecision(decision)}.`
      return [{ about: 'policy' as const, text, seq }]
    }),
  )
}
