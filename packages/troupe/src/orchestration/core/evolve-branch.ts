/** Branches and the scopes in which they count together. */
import type { Json, StoredError } from '../../core/index.ts'
import type { EventOf, Opens, Result } from './model.ts'
import { enqueue, queueOf } from './queue.ts'
import { type Branch, dict, must, resultsOf, type Scope, type State } from './state.ts'
import { countAble, countLive, setAway } from './tally.ts'
import { graphIn, nodeIn, pairOf } from './ways.ts'

type BranchEvent = EventOf<
  | 'branch.started'
  | 'branch.moved'
  | 'branch.completed'
  | 'branch.failed'
  | 'branch.cancelled'
  | 'branch.recalled'
  | 'scope.failed'
>

export function evolveBranch(state: State, event: BranchEvent): State {
  const { ledger } = state
  switch (event.type) {
    case 'branch.started':
      return started(state, event)
    case 'branch.moved':
      return moved(state, event)
    case 'branch.recalled':
      ledger.set(must(state.branches.get(event.branch), event.branch), 'recall', event.recall)
      return state
    case 'scope.failed': {
      const scope = must(state.scopes.get(event.scope), event.scope)
      ledger.set(scope, 'failing', event.error)
      if (event.fatal) ledger.set(scope, 'fatal', true)
      return state
    }
    default:
      return ended(state, event)
  }
}

function scopeFor(state: State, event: EventOf<'branch.started'>): Scope {
  const found = state.scopes.get(event.scope)
  if (found) return found
  const { ledger } = state
  const scope: Scope = {
    id: event.scope,
    opens: event.opens as Opens,
    depth: event.depth,
    branches: [],
    live: 0,
    away: 0,
    able: dict(),
    ableAway: dict(),
    meetings: dict(),
    met: dict(),
    ends: [],
    barriers: 0,
    closing: dict(),
    failing: undefined,
    fatal: false,
    lost: undefined,
    forgiven: false,
    closed: false,
  }
  ledger.put(state.scopes, scope.id, scope)
  if (scope.opens.kind !== 'call') ledger.push(state.tops, scope.id)
  else {
    const slot = must(state.barriers.get(scope.opens.barrier)?.slots[scope.opens.slot], scope.opens.barrier)
    ledger.set(slot, 'scope', scope.id)
    ledger.set(slot, 'request', event.input as Json)
  }
  return scope
}

/** What the meeting agent is given: the results without what was asked. */
function meetingInput(results: readonly Result[]): Json {
  const shown = results.map(({ agent, success, value, error }) =>
    success ? { agent, value: value ?? null, success } : { agent, value: null, success, error: { ...error } as Json },
  )
  return { results: shown }
}

const metAt = (state: State, barrier: string | undefined): readonly Result[] | undefined =>
  barrier === undefined ? undefined : resultsOf(must(state.barriers.get(barrier), barrier))

function started(state: State, event: EventOf<'branch.started'>): State {
  const { ledger } = state
  const results = metAt(state, event.meets)
  const input = results ? meetingInput(results) : (event.input as Json)
  const scope = scopeFor(state, event)
  const branch: Branch = {
    id: event.branch,
    scope: scope.id,
    order: event.order,
    depth: event.depth,
    agent: event.agent,
    node: event.node,
    status: 'asking',
    input,
    results,
    request: input,
    from: event.from,
    attempt: 1,
    standIn: false,
    after: undefined,
    ticket: 0,
    steps: 0,
    asked: 0,
    step: undefined,
    fork: undefined,
    question: undefined,
    recall: undefined,
    away: false,
    before: undefined,
    backAndForth: 0,
    turns: 0,
    pair: undefined,
    prints: dict(),
    stale: 0,
    value: undefined,
    error: undefined,
  }
  ledger.put(state.branches, branch.id, branch)
  ledger.push(scope.branches, branch.id)
  countLive(state, scope, branch.node, 1)
  makeReady(state, branch)
  if (event.edge !== undefined) takeEdge(state, event.edge)
  return state
}

/** At User it asks instead, which is an event of its own. */
function makeReady(state: State, branch: Branch) {
  const { ledger } = state
  if (nodeIn(state, branch.node).kind !== 'agent') return ledger.set(branch, 'status', 'asking')
  ledger.set(branch, 'status', 'ready')
  ledger.set(branch, 'ticket', enqueue(state, queueOf(state, branch.node), branch.id))
}

export function takeEdge(state: State, index: number): void {
  state.ledger.add(state.edgeUses as { [edge: string]: number }, String(index), 1)
  state.ledger.add(state.counts, 'hops', 1)
}

function moved(state: State, event: EventOf<'branch.moved'>): State {
  const { ledger } = state
  const branch = must(state.branches.get(event.branch), event.branch)
  const scope = must(state.scopes.get(branch.scope), branch.scope)
  setAway(state, branch, false)
  if (branch.status === 'delayed') ledger.add(state.counts, 'delayed', -1)
  if (event.edge !== undefined) alongEdge(state, branch, event.edge)
  if (event.node !== branch.node) {
    countAble(state, scope, branch.node, -1)
    ledger.set(branch, 'node', event.node)
    countAble(state, scope, branch.node, 1)
  }
  const results = metAt(state, event.meets)
  if (results) {
    ledger.set(branch, 'input', meetingInput(results))
    ledger.set(branch, 'results', results)
  } else if (event.input !== undefined) {
    ledger.set(branch, 'input', event.input)
    ledger.set(branch, 'request', event.input)
    ledger.set(branch, 'results', undefined)
  }
  ledger.set(branch, 'from', event.from)
  ledger.set(branch, 'attempt', event.attempt ?? 1)
  ledger.set(branch, 'standIn', event.standIn ?? false)
  ledger.set(branch, 'after', event.after)
  ledger.set(branch, 'fork', undefined)
  ledger.set(branch, 'question', undefined)
  ledger.set(branch, 'recall', undefined)
  if (event.after === undefined) makeReady(state, branch)
  else {
    ledger.set(branch, 'status', 'delayed')
    ledger.add(state.counts, 'delayed', 1)
  }
  return state
}

function alongEdge(state: State, branch: Branch, index: number): void {
  const { ledger } = state
  const edge = must(graphIn(state).edges[index], `edge ${index}`)
  takeEdge(state, index)
  const bounded = edge.maxTurns !== undefined || edge.limit !== undefined
  ledger.set(branch, 'backAndForth', !bounded && branch.before === edge.to ? branch.backAndForth + 1 : 0)
  ledger.set(branch, 'before', edge.from)
  const pair = edge.alternating ? pairOf(edge) : undefined
  ledger.set(branch, 'turns', pair === undefined ? 0 : pair === branch.pair ? branch.turns + 1 : 2)
  ledger.set(branch, 'pair', pair)
}

function ended(state: State, event: EventOf<'branch.completed' | 'branch.failed' | 'branch.cancelled'>): State {
  const { ledger } = state
  const branch = must(state.branches.get(event.branch), event.branch)
  const scope = must(state.scopes.get(branch.scope), branch.scope)
  setAway(state, branch, false)
  if (branch.status === 'delayed') ledger.add(state.counts, 'delayed', -1)
  ledger.set(branch, 'fork', undefined)
  ledger.set(branch, 'question', undefined)
  ledger.set(branch, 'input', null)
  ledger.set(branch, 'request', null)
  ledger.set(branch, 'results', undefined)
  ledger.set(branch, 'prints', dict())
  if (event.type === 'branch.completed') {
    ledger.set(branch, 'status', 'completed')
    ledger.set(branch, 'value', event.value)
    if (event.as === 'ended') {
      const value = event.value ?? null
      ledger.push(scope.ends, { order: branch.order, value })
      ledger.set(state, 'lastValue', value)
    }
  } else {
    ledger.set(branch, 'status', event.type === 'branch.failed' ? 'failed' : 'cancelled')
    ledger.set(branch, 'error', event.error)
    if (saysMore(event.error, scope.lost)) ledger.set(scope, 'lost', event.error)
    if (event.type === 'branch.failed' && event.forgiven) ledger.set(scope, 'forgiven', true)
  }
  countLive(state, scope, branch.node, -1)
  return state
}

/** That a branch was stopped, as the others of a join are once it is met, is no reason for what fails after it. */
const saysMore = (error: StoredError, than: StoredError | undefined): boolean =>
  than === undefined || (than.code === 'cancelled' && error.code !== 'cancelled')
