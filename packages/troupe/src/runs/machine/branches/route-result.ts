/** Applies an outcome: the branch ends, continues, or forks. */
import type { CarriedHistory } from '../../../agents/index.ts'
import type { Json, WorkInParts } from '../../../core/index.ts'
import type { GraphEdge } from '../../../topology/index.ts'
import { returnsTo } from '../../../topology/index.ts'
import type { RunDecision } from '../decision.ts'
import { joinOf, policyOf } from '../joins/join-progress.ts'
import { branchesAllowed, depthAllowed, hopsAllowed, notPingPong } from '../limits/guards.ts'
import type { BranchOrigin, EventOf } from '../machine-events.ts'
import { askPerson } from '../people/ask-person.ts'
import type { Branch } from './branches-slice.ts'
import type { NextTarget, Plan } from './flow.ts'

export function routeResult(d: RunDecision, branch: Branch, plan: Exclude<Plan, { kind: 'invalid' }>) {
  const { notify } = plan
  if (notify.length > 0 && !mayStart(d, branch, notify.length)) return
  if (plan.kind !== 'fork')
    for (const [i, edge] of notify.entries())
      startNotification(d, branch, edge, plan.kind === 'end' ? plan.value : plan.input, i + 1)
  switch (plan.kind) {
    case 'end':
      return d.emit({
        type: 'branch.completed',
        branch: branch.id,
        agent: d.label(branch),
        as: 'ended',
        value: plan.value,
      })
    case 'move':
      return traverseEdge(d, branch, plan)
    case 'fork':
      return fork(d, branch, [
        ...plan.targets,
        ...notify.map((edge) => ({ edge, input: (plan.targets[0] as NextTarget).input })),
      ])
  }
}

/** The id of a new branch is made of the step or question that decided it and its index in that decision. */
const childId = (branch: Branch, ordinal: number) =>
  `${branch.id}/${branch.steps}${branch.asked > 0 ? `?${branch.asked}` : ''}.${ordinal}`
const childOrder = (branch: Branch, ordinal: number) => [...branch.order, branch.steps, branch.asked, ordinal]

function traverseEdge(d: RunDecision, branch: Branch, { edge, input, history }: Extract<Plan, { kind: 'move' }>) {
  const node = d.node(edge.to)
  if (!node.isJoin) return moveAlong(d, branch, edge, input, history)
  d.arrivals.push({
    group: branch.group,
    node: node.name,
    branch: branch.id,
    child: branch.id,
    order: branch.order,
    depth: branch.depth,
    result: { agent: d.label(branch), success: true, value: input },
    edge,
  })
}

/** Moves the branch to the next node. */
export function moveAlong(
  d: RunDecision,
  branch: Branch,
  edge: GraphEdge,
  input: Json,
  history?: CarriedHistory,
): void {
  if (!hopsAllowed(d, 1) || !notPingPong(d, branch, edge)) return
  const from = branch.node
  const agent = d.node(edge.to).label
  const carried = history === undefined ? {} : { history }
  d.emit({ type: 'branch.moved', branch: branch.id, node: edge.to, agent, input, ...carried, edge: edge.index, from })
  askPerson(d, branch)
}

const mayStart = (d: RunDecision, parent: Branch, more: number): boolean =>
  depthAllowed(d, parent.depth + 1) && hopsAllowed(d, more) && branchesAllowed(d, more)

type Start = Omit<EventOf<'branch.started'>, 'type' | 'at' | 'agent'>

export function startBranch(d: RunDecision, start: Start): void {
  d.emit({ type: 'branch.started', agent: d.node(start.node).label, ...start })
  askPerson(d, d.branch(start.branch))
}

function start(d: RunDecision, branch: Branch, target: NextTarget, ordinal: number, origin?: BranchOrigin): void {
  const child = childId(branch, ordinal)
  startBranch(d, {
    branch: child,
    parent: branch.id,
    group: origin ? child : branch.group,
    ...(origin ? { origin } : {}),
    node: target.edge.to,
    depth: branch.depth + 1,
    order: childOrder(branch, ordinal),
    input: target.input,
    edge: target.edge.index,
    from: branch.node,
  })
}

/** Starts a notification, for which only the run waits. Its index comes after those of all other branches. */
function startNotification(d: RunDecision, branch: Branch, edge: GraphEdge, value: Json, ordinal: number): void {
  start(d, branch, { edge, input: value }, ordinal, { kind: 'notify' })
}

function fork(d: RunDecision, branch: Branch, targets: readonly NextTarget[]) {
  if (!mayStart(d, branch, targets.length)) return
  const graph = d.state.graph as NonNullable<typeof d.state.graph>
  const returnsResult = ({ edge }: NextTarget) => edge.type === 'notify' || returnsTo(graph, edge)
  const slots = targets.filter(returnsResult)
  const meets = slots.some(({ edge }) => edge.type !== 'notify') || slots.length === targets.length
  const id = `${branch.id}#${branch.steps}`
  if (meets) openFork(d, branch, id, slots)
  d.inParts(startTargets())

  function* startTargets(): WorkInParts<void> {
    let slot = 0
    for (const [i, target] of targets.entries()) {
      const { edge, input } = target
      if (!returnsResult(target)) oneWayTo(d, branch, target, i + 1)
      else if (edge.type === 'notify') startNotification(d, branch, edge, input, i + 1)
      else {
        start(d, branch, target, i + 1, { kind: 'call', joinId: id, slot, ...queryOf(edge) })
      }
      if (returnsResult(target)) slot++
      yield
    }
    if (!meets) return d.emit({ type: 'branch.completed', branch: branch.id, agent: d.label(branch), as: 'split' })
    for (const [i, target] of slots.entries()) if (target.edge.type === 'notify') notifyTarget(d, branch, id, target, i)
  }
}

/** Returns the marks of a query, with the name of the outermost nested team that it enters. */
function queryOf({ type, from, to }: GraphEdge): { readonly query?: true; readonly team?: string } {
  if (type !== 'query') return {}
  const teams = to.split('/').slice(0, -1)
  const entered = teams.findIndex((_, i) => !from.startsWith(`${teams.slice(0, i + 1).join('/')}/`))
  return { query: true, ...(entered < 0 ? {} : { team: teams.slice(0, entered + 1).join('/') }) }
}

/** Splits a branch into several, for which no branch waits. */
export function split(d: RunDecision, branch: Branch, targets: readonly NextTarget[]): void {
  if (!mayStart(d, branch, targets.length)) return
  for (const [i, target] of targets.entries()) oneWayTo(d, branch, target, i + 1)
  d.emit({ type: 'branch.completed', branch: branch.id, agent: d.label(branch), as: 'split' })
}

function openFork(d: RunDecision, branch: Branch, id: string, slots: readonly NextTarget[]): void {
  const node = d.node(branch.node)
  d.emit({
    type: 'join.opened',
    joinId: id,
    kind: 'fork',
    branch: branch.id,
    group: branch.group,
    node: node.name,
    agent: node.label,
    join: joinOf(d, node),
    onFailure: policyOf(d, node),
    slots: slots.map((target) => ({ agent: reportedName(d, target) })),
  })
}

/** Returns the name under which the result of a target is reported. */
const reportedName = (d: RunDecision, { edge, name }: NextTarget): string => name ?? d.node(edge.to).label

/** An agent that is only notified counts as having received the value. */
function notifyTarget(d: RunDecision, branch: Branch, joinId: string, target: NextTarget, slot: number): void {
  const result = { agent: reportedName(d, target), success: true, value: null }
  d.emit({ type: 'join.arrived', joinId, slot, order: [slot], depth: branch.depth, result })
}

/** Starts a branch in the same group. At a join node the request itself arrives. */
function oneWayTo(d: RunDecision, branch: Branch, target: NextTarget, ordinal: number) {
  const node = d.node(target.edge.to)
  if (!node.isJoin) return start(d, branch, target, ordinal)
  d.arrivals.push({
    group: branch.group,
    node: node.name,
    child: childId(branch, ordinal),
    parent: branch.id,
    order: childOrder(branch, ordinal),
    depth: branch.depth,
    result: { agent: d.label(branch), success: true, value: target.input },
    edge: target.edge,
  })
}
