/**
 * Completes a join once: when its condition is met or cannot be met. The join closes when the other branches have
 * stopped.
 */
import type { StoredError } from '../../../core/index.ts'
import { byOrder, type Group } from '../branches/branches-slice.ts'
import { joinsAhead } from '../branches/flow.ts'
import type { RunDecision } from '../decision.ts'
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
    arrived: now.successes + now.failures,
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
  else if (joinState.error && group)
    d.later({ do: 'scope.fail', group: group.id, error: joinState.error, fatal: joinState.fatal })
}

/** The joined branches continue as one branch. */
function startJoinedBranch(d: RunDecision, joinState: JoinState, group: Group): void {
  const [first] = [...joinState.arrivals].sort(byOrder) as [JoinState['arrivals'][number]]
  d.emit({
    type: 'branch.started',
    branch: joinState.id,
    group: group.id,
    node: joinState.node,
    agent: joinState.agent,
    depth: Math.max(0, ...joinState.arrivals.map((a) => a.depth)),
    order: first.order,
    meets: joinState.id,
  })
}
