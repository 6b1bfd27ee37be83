/** Explains which calls a policy allowed, asked about or blocked, and by which taint labels of which arguments. */
import { describeDecision, type PolicyDecision } from '../../../security/index.ts'
import type { NumberedEvent } from '../../engine/events/run-event.ts'
import type { PastRun } from '../past-run.ts'
import type { ExplanationLine } from './explanation-line.ts'

/** The decisions by step: each names the call, as `TOOL N.M`. */
export type DecisionsByStep = ReadonlyMap<
  string,
  readonly { readonly name: string; readonly decision: PolicyDecision }[]
>

type StepStarted = Extract<NumberedEvent, { readonly type: 'step.started' }>

/** The highest number of steps whose decisions are read; a long run is explained by its newest steps. */
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
