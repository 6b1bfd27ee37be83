/** Policy as data: the rules, their conditions, and the labels that they are about. */
export { allLabels, type CallLabels, type LabelledValue, pathText, uniformLabels } from './call-labels.ts'
export { type LabelCondition, pathsIn } from './condition.ts'
export {
  type CompiledRule,
  compileRules,
  isAbout,
  matchingRule,
  type PolicyOutcome,
  type PolicyRule,
  type ToolPolicyRule,
} from './policy-rules.ts'
