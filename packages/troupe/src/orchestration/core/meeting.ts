/** Meetings: the branches of a scope wait for each other at a node to which several ways lead. */

import type { Json } from '../../core/index.ts'
import { close } from './barrier.ts'
import type { Arrival, Deciding } from './deciding.ts'
import { moveAlong, startBranch } from './follow.ts'
import type { GraphEdge } from './graph.ts'
import { verdict } from './join.ts'
import { cause, joinOf, missing, policyOf, standing } from './standing.ts'
import { type Barrier, must, type Scope } from './state.ts'

/** Who comes alone, with nobody on the way, just goes on; the others meet. */
export function placeArrivals(d: Deciding): void {
  const groups = new Map<string, Arrival[]>()
  for (const arrival of d.arrivals.splice(0)) {
    const key = JSON.stringify([arrival.scope, arrival.node])
    const group = groups.get(key)
    if (group) group.push(arrival)
    else groups.set(key, [arrival])
  }
  for (const group of groups.values()) placeGroup(d, group)
}

function placeGroup(d: Deciding, group: readonly Arrival[]) {
  const [first] = group as readonly [Arrival, ...Arrival[]]
  const scope = must(d.state.scopes.get(first.scope), first.scope)
  const others =
    missing(d, scope, first.node, scope.meetings[first.node] !== undefined) -
    group.filter((a) => a.branch !== undefined).length
  if (scope.meetings[first.node] === undefined && group.length === 1 && others <= 0 && first.result.success)
    return alone(d, scope, first)
  const id = scope.meetings[first.node] ?? open(d, scope, first.node)
  for (const arrival of group) {
    d.emit({
      type: 'barrier.arrived',
      barrier: id,
      ...(arrival.branch === undefined ? {} : { branch: arrival.branch }),
      order: arrival.order,
      depth: arrival.depth,
      result: arrival.result,
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

function alone(d: Deciding, scope: Scope, arrival: Arrival) {
  const edge = arrival.edge as GraphEdge
  const input = arrival.result.value as Json
  if (arrival.branch !== undefined) return moveAlong(d, d.branch(arrival.branch), edge, input)
  startBranch(d, {
    branch: arrival.child,
    parent: arrival.parent as string,
    scope: scope.id,
    node: arrival.node,
    depth: arrival.depth,
    order: arrival.order,
    input,
    edge: edge.index,
  })
}

function open(d: Deciding, scope: Scope, name: string): string {
  const node = d.node(name)
  const prefix = scope.opens.kind === 'run' ? scope.id.slice(3) : scope.id
  const id = `${prefix}@${name}.${(scope.met[name] ?? 0) + 1}`
  d.emit({
    type: 'barrier.opened',
    barrier: id,
    kind: 'meeting',
    scope: scope.id,
    node: name,
    agent: node.label,
    join: joinOf(d, node),
    onFailure: policyOf(d, node),
    slots: [],
  })
  return id
}

/** Fires the meetings of a scope that nobody else can come to, and the first of those that wait for each other alone. */
export function considerMeetings(d: Deciding, scope: Scope): void {
  const open = Object.keys(scope.meetings).filter((node) => scope.meetings[node] !== undefined)
  let waiting = 0
  for (const node of open) {
    const barrier = d.barrier(scope.meetings[node] as string)
    const said = verdict(barrier.join, barrier.onFailure, standing(d, barrier))
    if (said === 'open') waiting++
    else d.barriers.add(barrier.id)
  }
  if (waiting === 0 || waiting < open.length || scope.live > 0 || d.arrivals.length > 0) return
  const reaches = (from: string, to: string) => d.node(from).reach.includes(to)
  const next = open.find((node) =>
    open.every((other) => other === node || !reaches(other, node) || reaches(node, other)),
  )
  fireAlone(d, d.barrier(scope.meetings[next as string] as string))
}

/** Nobody moves: what has arrived is all that will, and there are no losers. */
function fireAlone(d: Deciding, barrier: Barrier): void {
  const now = { ...standing(d, barrier), open: 0 }
  const met = verdict(barrier.join, barrier.onFailure, now) === 'met'
  d.emit({
    type: 'barrier.fired',
    barrier: barrier.id,
    branch: barrier.id,
    agent: barrier.agent,
    met,
    arrived: barrier.arrivals.length,
    missing: 0,
    ...(met ? {} : { error: cause(barrier, now) }),
  })
  d.barriers.delete(barrier.id)
  close(d, barrier)
}
