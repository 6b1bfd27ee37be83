/** Barriers: where the branches of a fork, or of a scope at a node, meet. */
import { takeEdge } from './evolve-branch.ts'
import type { EventOf } from './model.ts'
import { type Barrier, must, type State } from './state.ts'
import { countAble, refreshBarrier } from './tally.ts'

type BarrierEvent = EventOf<'barrier.opened' | 'barrier.arrived' | 'barrier.fired' | 'barrier.closed'>

export function evolveBarrier(state: State, event: BarrierEvent): State {
  const { ledger } = state
  if (event.type === 'barrier.opened') return opened(state, event)
  const barrier = must(state.barriers.get(event.barrier), event.barrier)
  switch (event.type) {
    case 'barrier.arrived':
      return arrived(state, barrier, event)
    case 'barrier.fired': {
      ledger.set(barrier, 'state', 'closing')
      ledger.set(barrier, 'met', event.met)
      ledger.set(barrier, 'error', event.error)
      const scope = must(state.scopes.get(barrier.scope), barrier.scope)
      if (barrier.kind === 'meeting') {
        ledger.set(scope.meetings, barrier.node, undefined)
        ledger.set(scope.closing, barrier.id, true)
        countAble(state, scope, barrier.node, -1)
      }
      return state
    }
    case 'barrier.closed': {
      ledger.set(barrier, 'state', 'closed')
      ledger.drop(state.barriers, barrier.id)
      const scope = must(state.scopes.get(barrier.scope), barrier.scope)
      if (barrier.kind === 'meeting') {
        ledger.add(scope, 'barriers', -1)
        ledger.set(scope.closing, barrier.id, undefined)
      }
      return state
    }
  }
}

function opened(state: State, event: EventOf<'barrier.opened'>): State {
  const { ledger } = state
  const barrier: Barrier = {
    id: event.barrier,
    kind: event.kind,
    branch: event.branch,
    scope: event.scope,
    node: event.node,
    agent: event.agent,
    join: event.join,
    onFailure: event.onFailure,
    slots: event.slots.map((slot) => ({ ...slot, request: null, scope: undefined, result: undefined, away: false })),
    arrivals: [],
    pending: event.slots.length,
    away: 0,
    successes: 0,
    failures: 0,
    failure: undefined,
    fatal: false,
    state: 'open',
    met: false,
    error: undefined,
  }
  ledger.put(state.barriers, barrier.id, barrier)
  if (barrier.kind === 'fork') {
    const branch = must(state.branches.get(event.branch as string), 'branch')
    ledger.set(branch, 'status', 'waiting')
    ledger.set(branch, 'fork', barrier.id)
    return state
  }
  const scope = must(state.scopes.get(event.scope), event.scope)
  ledger.set(scope.meetings, barrier.node, barrier.id)
  ledger.add(scope.met, barrier.node, 1)
  ledger.add(scope, 'barriers', 1)
  countAble(state, scope, barrier.node, 1)
  return state
}

function arrived(state: State, barrier: Barrier, event: EventOf<'barrier.arrived'>): State {
  const { ledger } = state
  const { result } = event
  if (event.slot === undefined) ledger.push(barrier.arrivals, { order: event.order, depth: event.depth, result })
  else {
    const slot = must(barrier.slots[event.slot], `slot ${event.slot}`)
    ledger.set(slot, 'result', result)
    ledger.add(barrier, 'pending', -1)
    closeScope(state, slot.scope)
  }
  if (event.edge !== undefined) takeEdge(state, event.edge)
  ledger.add(barrier, result.success || event.forgiven ? 'successes' : 'failures', 1)
  if (!result.success && !event.forgiven && barrier.failure === undefined) ledger.set(barrier, 'failure', result.error)
  if (event.fatal) ledger.set(barrier, 'fatal', true)
  if (barrier.kind === 'fork') refreshBarrier(state, barrier)
  return state
}

/** What it held is with the barrier now; the branches stay, for the results of the run. */
function closeScope(state: State, id: string | undefined): void {
  const scope = id === undefined ? undefined : state.scopes.get(id)
  if (!scope) return
  state.ledger.set(scope, 'closed', true)
  state.ledger.drop(state.scopes, scope.id)
}
