/** The graph of a team: forms, patterns, the canonical form with its configuration, and the checks before a run. */
export type {
  CanonicalEdge,
  CanonicalNode,
  CanonicalTopology,
  Condition,
  EdgeType,
  FailurePolicy,
  Join,
  NodeKind,
  PatternRole,
} from './canonical/canonical-topology.ts'
export {
  carries,
  type Graph,
  type GraphEdge,
  type GraphNode,
  graphOf,
  type JoinsAhead,
  returnsTo,
} from './canonical/graph.ts'
export type {
  BreakOn,
  Budgets,
  ErrorRule,
  Guards,
  PinnedConfig,
  PinnedPolicy,
  RetryRule,
  Timeouts,
} from './canonical/pinned-config.ts'
export {
  type BreakpointSpec,
  type ErrorHandling,
  type RunConfig,
  readBreakOn,
  readConfig,
} from './canonical/run-config.ts'
export {
  type BudgetOptions,
  checkCeilings,
  lowerLimits,
  type RunLimits,
  readRunLimits,
} from './canonical/run-limits.ts'
export { checkModelKeys } from './check/check-models.ts'
export { type CheckContext, checkTopology } from './check/check-topology.ts'
export type { Finding, FindingCode, Severity } from './check/finding.ts'
export { teamRules } from './check/ruled-tools.ts'
export { withHelpers } from './check/with-helpers.ts'
export { defineTopology } from './define-topology.ts'
export type { FittingStages, OutputOf, OutputOfStages, PipelineStage } from './fitting-stages.ts'
export { patterns } from './patterns.ts'
export type {
  CompiledTopology,
  EdgeOptions,
  NestedTeam,
  NodeOptions,
  ObjectEdge,
  ObjectForm,
  ObjectNode,
  StringForm,
  TopologyForm,
} from './topology-forms.ts'
