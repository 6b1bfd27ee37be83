/** Folds events about joins: of the branches of a fork, or of a group at a node. */

import { countReachable, refreshJoin, setBranchStatus } from '../branches/branch-counts.ts'
import { countTraversal } from '../branches/branch-folds.ts'
import { addTo, ownDict } from '../dict.ts'
import type { Folds } from '../folds.ts'
import type { EventOf } from '../machine-events.ts'
import { must, type State } from '../state.ts'
import { leaveQueue } from '../steps/step-queue.ts'
import { transitionTo } from '../transition-to.ts'
import type { JoinState } from './joins-slice.ts'
import { joinTransitions } from './joins-slice.ts'

export const joinFolds = {
  'join.opened': opened,
  'join.arrived': arrived,
  'join.completed': (state, event) => {
    const joinState = must(state.joins.open.get(event.joinId), event.joinId)
    joinState.state = transitionTo(joinTransitions, `join ${joinState.id}`, joinState.state, 'closing')
    joinState.satisfied = event.satisfied
    joinState.error = event.error
    if (joinState.kind === 'fork') return
    const group = must(state.branches.groups.get(joinState.group), joinState.group)
    ownDict(group, 'openJoins')[joinState.node] = undefined
    ownDict(group, 'closing')[joinState.id] = true
    countReachable(state, group, joinState.node, -1)
  },
  'join.closed': ({ joins, branches }, event) => {
    const joinState = must(joins.open.get(event.joinId), event.joinId)
    joins.open.delete(joinState.id)
    if (joinState.kind === 'fork') return
    const group = must(branches.groups.get(joinState.group), joinState.group)
    group.openJoinCount -= 1
    delete group.closing[joinState.id]
  },
} satisfies Partial<Folds>

function opened(state: State, event: EventOf<'join.opened'>): void {
  const joinState: JoinState = {
    id: event.joinId,
    kind: event.kind,
    branch: event.branch,
    group: event.group,
    node: event.node,
    agent: event.agent,
    join: event.join,
    onFailure: event.onFailure,
    slots: event.slots.map((slot) => ({ ...slot, request: null, group: undefined, result: undefined, blocked: false })),
    arrivals: [],
    pending: event.slots.length,
    blocked: 0,
    successes: 0,
    skipped: 0,
    failures: 0,
    failure: undefined,
    fatal: false,
    state: 'open',
    satisfied: false,
    error: undefined,
  }
  state.joins.open.set(joinState.id, joinState)
  if (joinState.kind === 'fork') {
    const branch = must(state.branches.all.get(event.branch as string), 'branch')
    setBranchStatus(state, branch, 'waiting')
    leaveQueue(state, branch)
    branch.fork = joinState.id
    return
  }
  const group = must(state.branches.groups.get(event.group), event.group)
  ownDict(group, 'openJoins')[joinState.node] = joinState.id
  addTo(ownDict(group, 'joinCounts'), joinState.node, 1)
  group.openJoinCount += 1
  countReachable(state, group, joinState.node, 1)
}

function arrived(state: State, event: EventOf<'join.arrived'>): void {
  const { result } = event
  const joinState = must(state.joins.open.get(event.joinId), event.joinId)
  if (event.slot === undefined) joinState.arrivals.push({ order: event.order, depth: event.depth, result })
  else {
    const slot = must(joinState.slots[event.slot], `slot ${event.slot}`)
    slot.result = result
    joinState.pending -= 1
    closeGroup(state, slot.group)
  }
  if (event.edge !== undefined)
    countTraversal(state, event.edge, must(state.branches.groups.get(joinState.group), joinState.group))
  joinState[result.success ? 'successes' : event.errorHandled ? 'skipped' : 'failures'] += 1
  if (!result.success && !event.errorHandled && joinState.failure === undefined) joinState.failure = result.error
  if (event.fatal) joinState.fatal = true
  if (joinState.kind === 'fork') refreshJoin(state, joinState)
}

/** The join holds the result of the group now. Its branches remain for the results of the run. */
function closeGroup({ branches, labels }: State, id: string | undefined): void {
  const group = id === undefined ? undefined : branches.groups.get(id)
  if (!group) return
  branches.groups.delete(group.id)
  labels.paths.delete(group.id)
  for (const branch of group.branches) labels.taints.delete(`branch ${branch}`)
}
