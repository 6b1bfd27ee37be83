/** Barriers: where the branches of a fork, or of a scope at a node, meet. */

import { countReachable, refreshJoin } from '../branches/branch-counts.ts'
import { countTraversal } from '../branches/evolve-branch.ts'
import { addTo, ownDict } from '../dict.ts'
import type { EventOf } from '../machine-events.ts'
import { type JoinState, must, type State } from '../state.ts'

type JoinEvent = EventOf<'join.opened' | 'join.arrived' | 'join.completed' | 'join.closed'>

export function evolveJoin(state: State, event: JoinEvent): State {
  if (event.type === 'join.opened') return opened(state, event)
  const joinState = must(state.joins.get(event.joinId), event.joinId)
  switch (event.type) {
    case 'join.arrived':
      return arrived(state, joinState, event)
    case 'join.completed': {
      joinState.state = 'closing'
      joinState.satisfied = event.satisfied
      joinState.error = event.error
      const group = must(state.groups.get(joinState.group), joinState.group)
      if (joinState.kind === 'merge') {
        ownDict(group, 'openJoins')[joinState.node] = undefined
        ownDict(group, 'closing')[joinState.id] = true
        countReachable(state, group, joinState.node, -1)
      }
      return state
    }
    case 'join.closed': {
      joinState.state = 'closed'
      state.joins.delete(joinState.id)
      const group = must(state.groups.get(joinState.group), joinState.group)
      if (joinState.kind === 'merge') {
        group.openJoinCount -= 1
        delete group.closing[joinState.id]
      }
      return state
    }
  }
}

function opened(state: State, event: EventOf<'join.opened'>): State {
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
    failures: 0,
    failure: undefined,
    fatal: false,
    state: 'open',
    satisfied: false,
    error: undefined,
  }
  state.joins.set(joinState.id, joinState)
  if (joinState.kind === 'fork') {
    const branch = must(state.branches.get(event.branch as string), 'branch')
    branch.status = 'waiting'
    branch.fork = joinState.id
    return state
  }
  const group = must(state.groups.get(event.group), event.group)
  ownDict(group, 'openJoins')[joinState.node] = joinState.id
  addTo(ownDict(group, 'joinCounts'), joinState.node, 1)
  group.openJoinCount += 1
  countReachable(state, group, joinState.node, 1)
  return state
}

function arrived(state: State, joinState: JoinState, event: EventOf<'join.arrived'>): State {
  const { result } = event
  if (event.slot === undefined) joinState.arrivals.push({ order: event.order, depth: event.depth, result })
  else {
    const slot = must(joinState.slots[event.slot], `slot ${event.slot}`)
    slot.result = result
    joinState.pending -= 1
    closeGroup(state, slot.group)
  }
  if (event.edge !== undefined) countTraversal(state, event.edge)
  joinState[result.success || event.errorHandled ? 'successes' : 'failures'] += 1
  if (!result.success && !event.errorHandled && joinState.failure === undefined) joinState.failure = result.error
  if (event.fatal) joinState.fatal = true
  if (joinState.kind === 'fork') refreshJoin(state, joinState)
  return state
}

/** What it held is with the barrier now; the branches stay, for the results of the run. */
function closeGroup(state: State, id: string | undefined): void {
  const group = id === undefined ? undefined : state.groups.get(id)
  if (!group) return
  group.closed = true
  state.groups.delete(group.id)
}
