/** The findings of `check` about a team before it runs. */

/** An `error` prevents the start of a run; a `warning` and an `advice` do not. */
export type Severity = 'error' | 'warning' | 'advice'

/** Stable codes, as listed in the reference. */
export type FindingCode =
  | 'node.unreachable'
  | 'node.dead_end'
  | 'cycle.no_exit'
  | 'join.impossible'
  | 'join.inert'
  | 'pipeline.sequence'
  | 'tool.not_granted'
  | 'schema.misfit'
  | 'budget.worst_case'
  | 'taint.path'
  | 'policy.unknown'
  | 'policy.always'
  | 'effect.outside'
  | 'code.missing'
  | 'role.unknown'
  | 'model.unknown'
  | 'model.missing'
  | 'model.key_missing'
  | 'team.one_agent'
  | 'team.unverified'
  | 'hub.ambiguous'

/** A finding of `check` about a team. */
export interface Finding {
  /** The stable code. */
  readonly code: FindingCode
  /** An error prevents the start of a run. */
  readonly severity: Severity
  /** The node, edge or tool that the finding is about. */
  readonly location: string
  /** What is wrong, without the location. */
  readonly message: string
  /** What to change. */
  readonly remedy: string
}
