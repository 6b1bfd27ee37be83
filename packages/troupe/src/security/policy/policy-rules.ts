/**
 * Policies as data: rules that allow tool calls, require the approval of a person, or block them. The first rule of a list that
 * matches a call decides for the list.
 */
import { checkOptionNames, invalidInput, nearest, show } from '../../core/index.ts'
import { type CallLabels, holds, treeOf } from './call-labels.ts'
import { countTests, type LabelCondition, parseCondition } from './condition.ts'

const outcomes = ['allow', 'ask', 'block'] as const
/** The decision of a rule: `allow` the call, `ask` a person to approve it, or `block` it. */
export type PolicyOutcome = (typeof outcomes)[number]

/** @example { tool: 'send_email', when: 'args.to is untrusted', do: 'ask' } */
export interface PolicyRule {
  /** The name of a tool or effect; `mail_*` for all with the prefix, `*` for all. */
  readonly tool: string
  /**
   * The calls to which the rule applies; all by default. A condition on the labels of the arguments, `args.to is untrusted`,
   * `args.body has 'web'`, `any arg is sensitive`, or of all values that the model had read, `call is untrusted`, joined by
   * `and`, `or`, `not` and parentheses. At most 1,000 characters and 50 tests; 500 tests in a list of rules.
   */
  readonly when?: string
  /** `ask`: a person must approve the exact arguments. */
  readonly do: PolicyOutcome
  /** The reason, shown to the person who is asked and to the model whose call is blocked. */
  readonly reason?: string
}

/** A rule in the definition of a tool, which applies to that tool. */
export type ToolPolicyRule = Omit<PolicyRule, 'tool'>

/** A rule with its parsed condition. */
export interface CompiledRule extends PolicyRule {
  /** The position of the rule, such as `policy[0] of the agent Clerk`. */
  readonly name: string
  readonly condition?: LabelCondition
}

const maxRules = 200
const maxReason = 500
/** Callers write rules, and each of their tests is a search in the arguments of a call. */
const maxTests = 500

/**
 * @param where the owner of the rules for errors and records: `the troupe`, `the agent Clerk`
 * @param tool the tool that declares the rules, if a tool does
 * @throws ValidationError naming the rule, and the position in its condition
 */
export function compileRules(rules: unknown, where: string, tool?: string): readonly CompiledRule[] {
  if (rules === undefined) return []
  const wrong = (at: string, problem: string) => invalidInput(`${at} of ${where}`, problem)
  if (!Array.isArray(rules)) throw wrong('policy', `it is ${show(rules)}, not a list of rules { tool, when, do }`)
  if (rules.length > maxRules) throw wrong('policy', `it has more than ${maxRules} rules`)
  const compiled = Object.freeze(
    rules.map((rule: PolicyRule, i): CompiledRule => {
      const at = `policy[${i}]`
      checkOptionNames(`${at} of ${where}`, rule, [...(tool === undefined ? ['tool'] : []), 'when', 'do', 'reason'])
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
  const tests = compiled.reduce((sum, { condition }) => sum + (condition ? countTests(condition) : 0), 0)
  if (tests > maxTests)
    throw wrong('policy', `its conditions have ${tests} tests, and more than ${maxTests} are not allowed`)
  return compiled
}

export const isAbout = ({ tool }: PolicyRule, name: string): boolean =>
  tool.endsWith('*') ? name.startsWith(tool.slice(0, -1)) : tool === name

/** Returns the first rule that matches the call; undefined if none does. */
export function matchingRule(
  rules: readonly CompiledRule[],
  tool: string,
  labels: CallLabels,
): CompiledRule | undefined {
  let tree: ReturnType<typeof treeOf> | undefined
  return rules.find((rule) => {
    if (!isAbout(rule, tool) || !rule.condition) return isAbout(rule, tool)
    tree ??= treeOf(labels)
    return holds(rule.condition, labels, tree)
  })
}
