/**
 * Completes a join once: when its condition is met or cannot be met. The join closes when the other branches have
 * stopped.
 */
import type { StoredError } from '../../../core/index.ts'
import { byOrder, type Group } from '../branches/branches-slice.ts'
import { joinAfter } from '../branches/fail-branch.ts'
import { joinsAhead } from '../branches/flow.ts'
import { failedResult, type RunDecision } from '../decision.ts'
import { must } from '../state.ts'
import { cause, joinProgress, loser } from './join-progress.ts'
import { verdict } from './join-verdict.ts'
import type { JoinState } from './joins-slice.ts'

export function considerJoin(d: RunDecision, id: string): void {
  const joinState = d.state.joins.open.get(id)
  if (!joinState) return
  const now = joinProgress(d, joinState)
  if (joinState.state === 'open') {
    const joinVerdict = verdict(joinState.join, joinState.onFailure, now)
    if (joinVerdict === 'satisfied') fire(d, joinState, loser)
    else if (joinVerdict === 'unsatisfied') fire(d, joinState, loser, cause(joinState, now))
  } else if (now.open === 0) close(d, joinState)
}

/** @param error why the join fails; absent if its condition is met */
export function fire(d: RunDecision, joinState: JoinState, forLosers: StoredError, error?: StoredError): void {
  const now = joinProgress(d, joinState)
  d.emit({
    type: 'join.completed',
    joinId: joinState.id,
    branch: joinState.branch ?? joinState.id,
    agent: joinState.agent,
    satisfied: error === undefined,
    arrived: now.successes + now.failures + now.skipped,
    missing: now.open,
    ...(error === undefined ? {} : { error }),
  })
  if (now.open === 0) return
  const cancellation = { as: 'cancelled' as const, error: forLosers }
  if (joinState.kind === 'fork') {
    for (const slot of joinState.slots)
      if (!slot.result && slot.group !== undefined) d.later({ do: 'scope.cancel', group: slot.group, cancellation })
    return
  }
  const group = must(d.state.branches.groups.get(joinState.group), joinState.group)
  const reaches = (node: string) => joinsAhead(d.state, group, node).reach.includes(joinState.node)
  for (const id of group.open) {
    const branch = d.branch(id)
    if (reaches(branch.node)) d.later({ do: 'branch.cancel', branch: id, cancellation })
  }
  discardJoins(d, group, reaches, forLosers)
}

/** Fails the joins that cannot complete, with the branches that waited there. */
export function discardJoins(d: RunDecision, group: Group, which: (node: string) => boolean, error: StoredError): void {
  for (const node of Object.keys(group.openJoins)) {
    const id = group.openJoins[node]
    if (id === undefined || !which(node)) continue
    const joinState = d.joinState(id)
    d.emit({
      type: 'join.completed',
      joinId: id,
      branch: id,
      agent: joinState.agent,
      satisfied: false,
      arrived: joinState.arrivals.length,
      missing: 0,
      error,
    })
    d.emit({ type: 'join.closed', joinId: id })
  }
}

export function close(d: RunDecision, joinState: JoinState): void {
  const { id, node, agent } = joinState
  const branch = joinState.branch === undefined ? undefined : d.branch(joinState.branch)
  const group = d.state.branches.groups.get(joinState.group)
  if (branch && !branch.cancellation && joinState.satisfied)
    d.emit({ type: 'branch.moved', branch: branch.id, node, agent, meets: id })
  if (!branch && group && !d.isStopping(group) && joinState.satisfied) startJoinedBranch(d, joinState, group)
  d.emit({ type: 'join.closed', joinId: id })
  if (branch?.cancellation) d.later({ do: 'branch.stop', branch: branch.id })
  else if (joinState.error && branch)
    d.later({ do: 'branch.fail', branch: branch.id, error: joinState.error, fatal: joinState.fatal })
  else if (joinState.error && group) failJoinedBranch(d, joinState, group, joinState.error)
}

/** A later join gets the failure as that of a branch. Without one, the group fails. */
function failJoinedBranch(
  d: RunDecision,
  { id, node, agent, arrivals, fatal }: JoinState,
  group: Group,
  error: StoredError,
) {
  const next = fatal || d.isStopping(group) ? undefined : joinAfter(d, group, node)
  if (!next) return d.later({ do: 'scope.fail', group: group.id, error, fatal })
  const { order, depth } = positionOf(arrivals)
  d.arrivals.push({ group: group.id, node: next.name, child: id, order, depth, result: failedResult(agent, error) })
}

/** Returns the position of the joined branch: that of the first one, at the depth of the deepest one. */
function positionOf(arrivals: JoinState['arrivals']): Pick<JoinState['arrivals'][number], 'order' | 'depth'> {
  const [first] = [...arrivals].sort(byOrder) as [JoinState['arrivals'][number]]
  return { order: first.order, depth: Math.max(0, ...arrivals.map((a) => a.depth)) }
}

/** The joined branches continue as one branch. */
function startJoinedBranch(d: RunDecision, joinState: JoinState, group: Group): void {
  d.emit({
    type: 'branch.started',
    branch: joinState.id,
    group: group.id,
    node: joinState.node,
    agent: joinState.agent,
    ...positionOf(joinState.arrivals),
    meets: joinState.id,
  })
}
