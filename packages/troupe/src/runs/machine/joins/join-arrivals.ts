/** Joins at a node with several incoming edges, where the branches of a group wait for each other. */

import type { Json } from '../../../core/index.ts'
import type { GraphEdge } from '../../../topology/index.ts'
import type { Group } from '../branches/branches-slice.ts'
import { joinsAhead } from '../branches/flow.ts'
import { moveAlong, startBranch } from '../branches/route-result.ts'
import type { Arrival, RunDecision } from '../decision.ts'
import { must } from '../state.ts'
import { close } from './consider-join.ts'
import { cause, joinOf, joinProgress, missing, policyOf } from './join-progress.ts'
import { verdict } from './join-verdict.ts'
import type { JoinState } from './joins-slice.ts'

/** A branch that arrives alone, while no other can arrive, continues without a join. */
export function joinArrivals(d: RunDecision): void {
  const groups = new Map<string, Arrival[]>()
  for (const arrival of d.arrivals.splice(0)) {
    const key = JSON.stringify([arrival.group, arrival.node])
    const group = groups.get(key)
    if (group) group.push(arrival)
    else groups.set(key, [arrival])
  }
  const waiting = [...groups.values()]
  for (let next = waiting.shift(); next; next = waiting.shift()) joinGroup(d, next, waiting)
}

function joinGroup(d: RunDecision, arrivals: readonly Arrival[], waiting: readonly (readonly Arrival[])[]) {
  const [first] = arrivals as readonly [Arrival, ...Arrival[]]
  const group = must(d.state.branches.groups.get(first.group), first.group)
  const others =
    missing(d, group, first.node, group.openJoins[first.node] !== undefined) -
    arrivals.filter((a) => a.branch !== undefined).length +
    waiting.filter((later) => comesBefore(d, group, later, first.node)).length
  if (group.openJoins[first.node] === undefined && arrivals.length === 1 && others <= 0 && first.result.success)
    return alone(d, group, first)
  const id = group.openJoins[first.node] ?? open(d, group, first.node)
  for (const arrival of arrivals) {
    d.emit({
      type: 'join.arrived',
      joinId: id,
      ...(arrival.branch === undefined ? {} : { branch: arrival.branch }),
      order: arrival.order,
      depth: arrival.depth,
      result: arrival.result,
      ...(arrival.errorHandled ? { errorHandled: true as const } : {}),
      ...(arrival.edge === undefined ? {} : { edge: arrival.edge.index }),
    })
    if (arrival.branch === undefined) continue
    const agent = d.label(d.branch(arrival.branch))
    d.emit({
      type: 'branch.completed',
      branch: arrival.branch,
      agent,
      as: 'arrived',
      value: arrival.result.value as Json,
    })
  }
}

/** Returns whether new branches that have arrived at another node lead to this one, and not the other way round. */
function comesBefore(d: RunDecision, group: Group, arrivals: readonly Arrival[], node: string): boolean {
  const reaches = (from: string, to: string) => joinsAhead(d.state, group, from).reach.includes(to)
  const isAhead = (other: string) => reaches(other, node) && !reaches(node, other)
  return arrivals.some((a) => a.branch === undefined && a.group === group.id && isAhead(a.node))
}

function alone(d: RunDecision, group: Group, arrival: Arrival) {
  const edge = arrival.edge as GraphEdge
  const input = arrival.result.value as Json
  if (arrival.branch !== undefined) return moveAlong(d, d.branch(arrival.branch), edge, input)
  startBranch(d, {
    branch: arrival.child,
    parent: arrival.parent as string,
    group: group.id,
    node: arrival.node,
    depth: arrival.depth,
    order: arrival.order,
    input,
    edge: edge.index,
  })
}

function open(d: RunDecision, group: Group, name: string): string {
  const node = d.node(name)
  const prefix = group.origin.kind === 'run' ? group.id.slice(3) : group.id
  const id = `${prefix}@${name}.${(group.joinCounts[name] ?? 0) + 1}`
  d.emit({
    type: 'join.opened',
    joinId: id,
    kind: 'merge',
    group: group.id,
    node: name,
    agent: node.label,
    join: joinOf(d, node),
    onFailure: policyOf(d, node),
    slots: [],
  })
  return id
}

/**
 * Completes the joins of a group that no further branch can reach, and the first of joins that wait only for each
 * other.
 */
export function considerJoins(d: RunDecision, group: Group): void {
  const open = Object.keys(group.openJoins).filter((node) => group.openJoins[node] !== undefined)
  let waiting = 0
  for (const node of open) {
    const joinState = d.joinState(group.openJoins[node] as string)
    const state = verdict(joinState.join, joinState.onFailure, joinProgress(d, joinState))
    if (state === 'open') waiting++
    else d.joins.add(joinState.id)
  }
  if (waiting === 0 || waiting < open.length || group.live > 0 || d.arrivals.length > 0) return
  const reaches = (from: string, to: string) => joinsAhead(d.state, group, from).reach.includes(to)
  const next = open.find((node) =>
    open.every((other) => other === node || !reaches(other, node) || reaches(node, other)),
  )
  fireAlone(d, d.joinState(group.openJoins[next as string] as string))
}

/** No branch can move: no further branch will arrive, and no branch is cancelled. */
function fireAlone(d: RunDecision, joinState: JoinState): void {
  const now = { ...joinProgress(d, joinState), open: 0 }
  const satisfied = verdict(joinState.join, joinState.onFailure, now) === 'satisfied'
  d.emit({
    type: 'join.completed',
    joinId: joinState.id,
    branch: joinState.id,
    agent: joinState.agent,
    satisfied,
    arrived: joinState.arrivals.length,
    missing: 0,
    ...(satisfied ? {} : { error: cause(joinState, now) }),
  })
  d.joins.delete(joinState.id)
  close(d, joinState)
}
