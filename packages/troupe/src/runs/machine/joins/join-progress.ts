/** The progress of a join, and the form of its results. */
import { failure, type Json, quoting, type StoredError, storeError } from '../../../core/index.ts'
import type { FailurePolicy, GraphNode, Join } from '../../../topology/index.ts'
import { byOrder, type Group } from '../branches/branches-slice.ts'
import { joinsAhead } from '../branches/flow.ts'
import type { RunDecision } from '../decision.ts'
import { must } from '../state.ts'
import type { JoinProgress } from './join-verdict.ts'
import type { JoinState } from './joins-slice.ts'

export const joinOf = (d: RunDecision, node: GraphNode): Join => node.join ?? d.config.join
export const policyOf = (d: RunDecision, node: GraphNode): FailurePolicy => node.onFailure ?? d.config.onFailure

/** Returns how many branches of its group can still reach the join, without the join itself. */
export function missing(d: RunDecision, group: Group, node: string, holds: boolean): number {
  const own = holds && joinsAhead(d.state, group, node).reach.includes(node) ? 1 : 0
  return (group.reachableCounts[node] as number) - own
}

export function joinProgress(d: RunDecision, joinState: JoinState): JoinProgress {
  const { successes, failures, skipped, fatal } = joinState
  const group = must(d.state.branches.groups.get(joinState.group), joinState.group)
  const open =
    joinState.kind === 'fork' ? joinState.pending : missing(d, group, joinState.node, joinState.state === 'open')
  return { successes, failures, skipped, open, fatal }
}

/** Returns the error of a cancelled branch: the join completed without it, or it missed the deadline. */
export const loser: StoredError = storeError(failure('cancelled', { what: 'A branch that is no longer needed' }))

/** Returns the failure itself if all branches were needed; else an error that too few are left, with the reason. */
export function cause(joinState: JoinState, now: JoinProgress): StoredError {
  if (joinState.failure && (joinState.join === 'all' || joinState.fatal)) return joinState.failure
  const firstFailure = joinState.failure ? `; the first failure: ${joinState.failure.message}` : ''
  const found = `${now.successes} succeeded, ${now.failures} failed, ${now.open} are open${firstFailure}`
  const error = storeError(failure('join.unsatisfied', { node: joinState.node, join: joinState.join as Json, found }))
  return quoting(error, { ...joinState.failure })
}

export function responseOf(group: Group): Json | undefined {
  if (group.ends.length < 2) return group.ends[0]?.value
  return [...group.ends].sort(byOrder).map((end) => end.value)
}
