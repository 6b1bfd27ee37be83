/**
 * Policy as data: rules that say of calls of tools which of them are allowed, which a person must approve, and which are
 * blocked. The first rule of a list that fits a call decides for the list.
 */
import { checkOptions, failure, nearest, show } from '../../core/index.ts'
import { type CallLabels, holds } from './call-labels.ts'
import { type LabelCondition, parseCondition } from './condition.ts'

const outcomes = ['allow', 'ask', 'block'] as const
export type PolicyOutcome = (typeof outcomes)[number]

/** @example { tool: 'send_email', when: 'args.to is untrusted', do: 'ask' } */
export interface PolicyRule {
  /** The name of a tool or effect; `mail_*` for all that begin so, `*` for all. */
  readonly tool: string
  /**
   * Which calls: a condition on the labels of the arguments, `args.to is untrusted`, `args.body has 'web'`,
   * `any arg is sensitive`, or of the call with everything that the model had read, `call is untrusted`; joined by `and`,
   * `or`, `not` and parentheses. Every call where absent. 1,000 characters and 50 tests at most.
   */
  readonly when?: string
  /** `ask`: a person must approve the exact arguments. */
  readonly do: PolicyOutcome
  /** Shown to the person who is asked, and to the model whose call is blocked. */
  readonly reason?: string
}

/** A rule of a tool is about that tool. */
export type ToolPolicyRule = Omit<PolicyRule, 'tool'>

/** A rule whose condition was read. */
export interface CompiledRule extends PolicyRule {
  /** The place of the rule, such as `policy[0] of the agent Clerk`. */
  readonly name: string
  readonly condition?: LabelCondition
}

const maxRules = 200
const maxReason = 500

/**
 * @param where whose rules they are, for errors and records: `the troupe`, `the agent Clerk`
 * @param tool of which the rules are, where a tool declares them
 * @throws ValidationError naming the rule, and the position in its condition
 */
export function compileRules(rules: unknown, where: string, tool?: string): readonly CompiledRule[] {
  if (rules === undefined) return []
  const wrong = (at: string, problem: string) => failure('validation.failed', { what: `${at} of ${where}`, problem })
  if (!Array.isArray(rules)) throw wrong('policy', `it is ${show(rules)}, not a list of rules { tool, when, do }`)
  if (rules.length > maxRules) throw wrong('policy', `it has more than ${maxRules} rules`)
  return Object.freeze(
    rules.map((rule: PolicyRule, i) => {
      const at = `policy[${i}]`
      checkOptions(`${at} of ${where}`, rule, [...(tool === undefined ? ['tool'] : []), 'when', 'do', 'reason'])
      const { tool: named = tool, when, do: outcome, reason } = rule
      if (typeof named !== 'string' || !/^[^*\p{Cc}]{0,200}\*?$/u.test(named) || named === '')
        throw wrong(`${at}.tool`, `it is ${show(named)}, not the name of a tool, whose end may be *`)
      if (!outcomes.includes(outcome)) {
        const near = nearest(String(outcome), outcomes)
        const meant = near === undefined ? '' : `; did you mean ${near}?`
        throw wrong(`${at}.do`, `it is ${show(outcome)}, not ${outcomes.join(', ')}${meant}`)
      }
      if (when !== undefined && typeof when !== 'string') throw wrong(`${at}.when`, `it is ${show(when)}, not a text`)
      if (reason !== undefined && (typeof reason !== 'string' || reason === '' || reason.length > maxReason))
        throw wrong(`${at}.reason`, `it is not a text of 1 to ${maxReason} characters`)
      return Object.freeze({
        tool: named,
        do: outcome,
        name: `${at} of ${where}`,
        ...(when === undefined ? {} : { when, condition: parseCondition(when, `${at}.when of ${where}`) }),
        ...(reason === undefined ? {} : { reason }),
      })
    }),
  )
}

export const isAbout = ({ tool }: PolicyRule, name: string): boolean =>
  tool.endsWith('*') ? name.startsWith(tool.slice(0, -1)) : tool === name

/** The first rule that fits the call; undefined where none does. */
export const matchingRule = (
  rules: readonly CompiledRule[],
  tool: string,
  labels: CallLabels,
): CompiledRule | undefined =>
  rules.find((rule) => isAbout(rule, tool) && (!rule.condition || holds(rule.condition, labels)))
