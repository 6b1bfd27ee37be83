/** Barriers fire once: when their join is met or cannot be met; they close when the losers have stopped. */
import type { StoredError } from '../../core/index.ts'
import type { Deciding } from './deciding.ts'
import { verdict } from './join.ts'
import { cause, loser, standing } from './standing.ts'
import { type Barrier, byOrder, must, type Scope } from './state.ts'

export function considerBarrier(d: Deciding, id: string): void {
  const barrier = d.state.barriers.get(id)
  if (!barrier) return
  const now = standing(d, barrier)
  if (barrier.state === 'open') {
    const said = verdict(barrier.join, barrier.onFailure, now)
    if (said === 'met') fire(d, barrier, loser())
    else if (said === 'unmet') fire(d, barrier, loser(), cause(barrier, now))
  } else if (now.open === 0) close(d, barrier)
}

/** @param error why it goes down; absent, it is met */
export function fire(d: Deciding, barrier: Barrier, forLosers: StoredError, error?: StoredError): void {
  const now = standing(d, barrier)
  d.emit({
    type: 'barrier.fired',
    barrier: barrier.id,
    branch: barrier.branch ?? barrier.id,
    agent: barrier.agent,
    met: error === undefined,
    arrived: now.successes + now.failures,
    missing: now.open,
    ...(error === undefined ? {} : { error }),
  })
  if (now.open === 0) return
  const recall = { as: 'cancelled' as const, error: forLosers }
  if (barrier.kind === 'fork') {
    for (const slot of barrier.slots)
      if (!slot.result && slot.scope !== undefined) d.later({ do: 'scope.recall', scope: slot.scope, recall })
    return
  }
  const scope = must(d.state.scopes.get(barrier.scope), barrier.scope)
  for (const id of [...scope.branches]) {
    const branch = d.branch(id)
    if (d.node(branch.node).reach.includes(barrier.node)) d.later({ do: 'branch.recall', branch: id, recall })
  }
  discardMeetings(d, scope, (node) => d.node(node).reach.includes(barrier.node), forLosers)
}

/** Meetings that will not take place: what waited there goes down with them. */
export function discardMeetings(d: Deciding, scope: Scope, which: (node: string) => boolean, error: StoredError): void {
  for (const node of Object.keys(scope.meetings)) {
    const id = scope.meetings[node]
    if (id === undefined || !which(node)) continue
    const barrier = d.barrier(id)
    d.emit({
      type: 'barrier.fired',
      barrier: id,
      branch: id,
      agent: barrier.agent,
      met: false,
      arrived: barrier.arrivals.length,
      missing: 0,
      error,
    })
    d.emit({ type: 'barrier.closed', barrier: id })
  }
}

export function close(d: Deciding, barrier: Barrier): void {
  const { id, node, agent } = barrier
  const branch = barrier.branch === undefined ? undefined : d.branch(barrier.branch)
  const scope = d.state.scopes.get(barrier.scope)
  if (branch && !branch.recall && barrier.met)
    d.emit({ type: 'branch.moved', branch: branch.id, node, agent, meets: id })
  if (!branch && scope && !d.goesDown(scope) && barrier.met) goOn(d, barrier, scope)
  d.emit({ type: 'barrier.closed', barrier: id })
  if (branch?.recall) d.later({ do: 'branch.stop', branch: branch.id })
  else if (barrier.error && branch)
    d.later({ do: 'branch.fail', branch: branch.id, error: barrier.error, fatal: barrier.fatal })
  else if (barrier.error && scope)
    d.later({ do: 'scope.fail', scope: scope.id, error: barrier.error, fatal: barrier.fatal })
}

/** Those who met go on as one branch. */
function goOn(d: Deciding, barrier: Barrier, scope: Scope): void {
  const [first] = [...barrier.arrivals].sort(byOrder) as [Barrier['arrivals'][number]]
  d.emit({
    type: 'branch.started',
    branch: barrier.id,
    scope: scope.id,
    node: barrier.node,
    agent: barrier.agent,
    depth: Math.max(0, ...barrier.arrivals.map((a) => a.depth)),
    order: first.order,
    meets: barrier.id,
  })
}
