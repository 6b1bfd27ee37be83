/** A group ends with its last branch. Its result goes to the join that waits for it. */
import type { StoredError } from '../../../core/index.ts'
import { failedResult, type RunDecision } from '../decision.ts'
import { discardJoins } from '../joins/consider-join.ts'
import { considerJoins } from '../joins/join-arrivals.ts'
import { joinProgress, loser, responseOf } from '../joins/join-progress.ts'
import type { Result } from '../machine-events.ts'
import { must } from '../state.ts'
import type { Group } from './branches-slice.ts'

export function considerGroup(d: RunDecision, id: string): void {
  const group = d.state.branches.groups.get(id)
  if (!group) return
  const closing = Object.keys(group.closing).filter((joinId) => joinProgress(d, d.joinState(joinId)).open === 0)
  if (closing.length > 0) {
    for (const joinId of closing) d.joins.add(joinId)
    d.groups.add(id)
    return
  }
  if (d.isStopping(group)) {
    if (group.live === 0) discardJoins(d, group, () => true, group.failing ?? loser)
  } else if (group.openJoinCount > 0) considerJoins(d, group)
  if (group.live > 0 || group.openJoinCount > 0 || group.origin.kind !== 'call') return
  const joinState = d.joinState(group.origin.joinId)
  const slot = must(joinState.slots[group.origin.slot], 'slot')
  const result = groupResultOf(d, group, slot.agent)
  d.emit({
    type: 'join.arrived',
    joinId: joinState.id,
    slot: group.origin.slot,
    order: [group.origin.slot],
    depth: group.depth,
    result: joinState.state === 'closing' && result.success ? failedResult(slot.agent, loser) : result,
    ...(group.fatal ? { fatal: true as const } : {}),
    ...(group.errorHandled && !group.fatal ? { errorHandled: true as const } : {}),
  })
}

/**
 * Returns the only response, or the list of responses in the order of invocation; a failure if there is none or one is
 * not tolerated.
 */
export function groupResultOf(d: RunDecision, group: Group, agent: string): Result {
  const error = groupFailure(d, group)
  return error ? failedResult(agent, error) : { agent, success: true, value: must(responseOf(group), 'response') }
}

/** Returns why the group ends without a response; undefined if it has one. */
export function groupFailure(d: RunDecision, group: Group): StoredError | undefined {
  if (group.failing || group.ends.length > 0) return group.failing
  return d.state.run.cancellation?.error ?? must(group.firstFailure, 'a branch that was lost')
}

/** Stops and awaits the branches of a group. Then the group ends with this error. */
export function failGroup(d: RunDecision, id: string, error: StoredError, fatal: boolean): void {
  const group = must(d.state.branches.groups.get(id), id)
  if (d.isStopping(group)) return
  d.emit({ type: 'group.failed', group: group.id, error, ...(fatal ? { fatal: true as const } : {}) })
  d.later({ do: 'scope.cancel', group: id, cancellation: { as: 'cancelled', error: loser } })
}
