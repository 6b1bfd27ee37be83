/** Whether a person approves a call before it: only an answer of true or false of the tool's function decides. */
import { checkPredicate } from '../core/index.ts'
import { type CompiledRule, isAbout } from '../security/index.ts'
import { type Tool, toolRules } from './define-tool.ts'

/**
 * Returns whether a call with this input needs an approval.
 * @throws ValidationError if the function of the tool gave neither true nor false: a call must not pass without an
 * approval because its function returned nothing
 */
export async function needsApproval({ name, needsApproval: needed }: Tool, input: unknown): Promise<boolean> {
  return typeof needed === 'function' ? checkPredicate(`needsApproval of ${name}`, await needed(input)) : needed
}

/** Whether the calls of a tool need an approval. `sometimes`: their arguments or labels decide. */
export type ApprovalNeed = 'never' | 'sometimes' | 'always'

/**
 * Returns whether calls of the tool need an approval, by its definition and by policy rules. `policy.taint` is not considered.
 * @param lists the rules of the troupe, of the team and of the agent, a list for each
 */
export function approvalNeed(tool: Tool, lists: readonly (readonly CompiledRule[])[]): ApprovalNeed {
  const { needsApproval: needed } = tool
  const own = typeof needed === 'function' ? 'sometimes' : needed ? 'always' : 'never'
  const needs = [own, ...[...lists, toolRules(tool) ?? []].map((rules) => needOf(rules, tool.name))]
  return (['always', 'sometimes'] as const).find((need) => needs.includes(need)) ?? 'never'
}

/** The first rule that applies decides, so no rule after one without a condition does. */
function needOf(rules: readonly CompiledRule[], name: string): ApprovalNeed {
  const about = rules.filter((rule) => isAbout(rule, name))
  const last = about.findIndex(({ condition }) => condition === undefined)
  const possible = last < 0 ? about : about.slice(0, last + 1)
  if (!possible.some((rule) => rule.do === 'ask')) return 'never'
  return last >= 0 && possible.every((rule) => rule.do === 'ask') ? 'always' : 'sometimes'
}
