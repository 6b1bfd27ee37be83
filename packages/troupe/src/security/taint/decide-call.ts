/** The decision on one call: the strictest of the rules of the troupe, the team, the agent and the tool. */
import { markedText, type TaintLabel } from '../../core/index.ts'
import {
  allLabels,
  type CallLabels,
  type CompiledRule,
  isAbout,
  matchingRule,
  type PolicyOutcome,
  pathText,
} from '../policy/index.ts'
import { isJoined } from './taint-policy.ts'

/** The rules around a call, besides those of the troupe. */
export interface NarrowerRules {
  /** The rules of the team, of the caller, and of the parent runs. */
  readonly team?: readonly (readonly CompiledRule[])[] | undefined
  readonly agent?: readonly CompiledRule[] | undefined
  readonly tool?: readonly CompiledRule[] | undefined
}

/** An argument, its labels, and the sources of those. */
export type LabelledArgument = {
  readonly argument: string
  readonly labels: readonly TaintLabel[]
  /** Tool calls and entries (`key@version`) that the labels came with, as far as the step knows. */
  readonly sources: readonly string[]
}

/** The decision as it is recorded and shown, in JSON. */
export type PolicyDecision = {
  readonly verdict: PolicyOutcome
  /** The rule that decided, by its place, or `policy.taint`; absent where nothing was to decide. */
  readonly rule?: string
  /** True if a rule of the troupe allows the call: `policy.taint` does not apply to it then. */
  readonly exempt?: true
  readonly when?: string
  readonly reason?: string
  /** Where untrusted input meets sensitive data in the call: both, for people. */
  readonly joined?: string
  /** Arguments with labels: ten at most. */
  readonly arguments?: readonly LabelledArgument[]
}

const shownArguments = 10
const strictness = { allow: 0, ask: 1, block: 2 } as const

export interface DecidedCall {
  /** The tool or effect. */
  readonly action: string
  readonly labels: CallLabels
  /** `policy.taint` is about calls that can change or reach something outside. */
  readonly outside: boolean
  readonly rules: NarrowerRules
  readonly sourceOf: (label: TaintLabel) => string | undefined
}

/** @param byTaint the outcome of `policy.taint` if untrusted input has met sensitive data */
export function decideCall(call: DecidedCall, troupe: readonly CompiledRule[], byTaint: PolicyOutcome): PolicyDecision {
  const { action, labels, outside, rules } = call
  const own = matchingRule(troupe, action, labels)
  const joined = outside && isJoined(allLabels(labels))
  const first: PolicyDecision | undefined = own
    ? { ...decisionBy(own), ...(own.do === 'allow' ? { exempt: true as const } : {}) }
    : joined
      ? { verdict: byTaint, rule: 'policy.taint' }
      : undefined
  const narrower = [...(rules.team ?? []), rules.agent, rules.tool].flatMap((list) => {
    const rule = list && matchingRule(list, action, labels)
    return rule ? [decisionBy(rule)] : []
  })
  const all = [...(first ? [first] : []), ...narrower]
  if (all.length === 0) return { verdict: 'allow' }
  const strictest = all.reduce((one, other) => (strictness[other.verdict] > strictness[one.verdict] ? other : one))
  const shown = labelledArguments(call)
  return { ...strictest, ...(shown.length > 0 ? { arguments: shown } : {}) }
}

const decisionBy = ({ name, when, reason, do: outcome }: CompiledRule): PolicyDecision => ({
  verdict: outcome,
  rule: name,
  ...(when === undefined ? {} : { when }),
  ...(reason === undefined ? {} : { reason }),
})

function labelledArguments({ labels, sourceOf }: DecidedCall): readonly LabelledArgument[] {
  return labels.args
    .filter((value) => value.labels.length > 0)
    .slice(0, shownArguments)
    .map(({ path, labels: own }) => ({
      argument: pathText(path),
      labels: own,
      sources: [...new Set(own.flatMap((label) => sourceOf(label) ?? []))],
    }))
}

/** Returns whether any rule names the tool, whatever its condition: then the decision is recorded. */
export const isRuled = (action: string, ...lists: readonly (readonly CompiledRule[] | undefined)[]): boolean =>
  lists.some((list) => list?.some((rule) => isAbout(rule, action)))

/**
 * Returns the decision for people: `policy[0] of the troupe (args.to is untrusted): …`. Its texts are of callers and models,
 * so they are marked like arguments.
 */
export function describeDecision({ rule, when, reason, arguments: args = [] }: PolicyDecision): string {
  if (rule === undefined) return ''
  const about = args.map(
    ({ argument, labels, sources }) =>
      `${argument} carries ${labels.join(', ')}${sources.length > 0 ? `, from ${sources.join(', ')}` : ''}`,
  )
  const parts = [
    `${rule}${when === undefined ? '' : ` (${when})`}${reason === undefined ? '' : `: ${reason}`}`,
    ...about,
  ]
  return markedText(parts.join('; '))
}
