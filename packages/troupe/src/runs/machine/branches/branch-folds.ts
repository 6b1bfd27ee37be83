/** Folds events about branches and their groups. */
import type { Json, StoredError } from '../../../core/index.ts'
import { addTo, emptyDict, ownDict } from '../dict.ts'
import type { Folds } from '../folds.ts'
import type { JoinState } from '../joins/joins-slice.ts'
import type { BranchOrigin, EventOf, Result } from '../machine-events.ts'
import { must, type State } from '../state.ts'
import { enqueue, leaveQueue, queueOf } from '../steps/step-queue.ts'
import { countLive, countReachable, setBlocked, setBranchStatus } from './branch-counts.ts'
import { type Branch, byOrder, type Group } from './branches-slice.ts'
import { edgePairOf, graphIn, nodeIn } from './flow.ts'

export const branchFolds = {
  'branch.started': started,
  'branch.moved': moved,
  'branch.cancel-requested': ({ branches }, event) => {
    must(branches.all.get(event.branch), event.branch).cancellation = event.cancellation
  },
  'branch.completed': completed,
  'branch.failed': failed,
  'branch.cancelled': failed,
  'group.failed': ({ branches }, event) => {
    const group = must(branches.groups.get(event.group), event.group)
    group.failing = event.error
    if (event.fatal) group.fatal = true
  },
} satisfies Partial<Folds>

function groupFor(state: State, event: EventOf<'branch.started'>): Group {
  const found = state.branches.groups.get(event.group)
  if (found) return found
  const group: Group = {
    id: event.group,
    origin: event.origin as BranchOrigin,
    caller: event.origin?.kind === 'call' ? state.joins.open.get(event.origin.joinId)?.node : undefined,
    depth: event.depth,
    branches: [],
    open: new Set(),
    live: 0,
    blocked: 0,
    reachableCounts: emptyDict(),
    blockedReachableCounts: emptyDict(),
    openJoins: emptyDict(),
    joinCounts: emptyDict(),
    ends: [],
    openJoinCount: 0,
    closing: emptyDict(),
    passUses: emptyDict(),
    failing: undefined,
    fatal: false,
    firstFailure: undefined,
    errorHandled: false,
  }
  state.branches.groups.set(group.id, group)
  if (group.origin.kind !== 'call') state.branches.rootGroups.push(group.id)
  else {
    const slot = must(state.joins.open.get(group.origin.joinId)?.slots[group.origin.slot], group.origin.joinId)
    slot.group = group.id
    slot.request = event.input as Json
  }
  return group
}

/** Returns the results for the joining agent, without the requests. */
function joinInput(results: readonly Result[]): Json {
  const shown = results.map(({ agent, success, value, error }) =>
    success ? { agent, value: value ?? null, success } : { agent, value: null, success, error: { ...error } as Json },
  )
  return { results: shown }
}

const resultsAtJoin = (state: State, joinId: string | undefined): readonly Result[] | undefined =>
  joinId === undefined ? undefined : resultsOf(must(state.joins.open.get(joinId), joinId))

function started(state: State, event: EventOf<'branch.started'>): void {
  const results = resultsAtJoin(state, event.meets)
  const input = results ? joinInput(results) : (event.input as Json)
  const group = groupFor(state, event)
  // A failure that a join has got is not the reason of a later one.
  if (results) group.firstFailure = undefined
  const branch: Branch = {
    id: event.branch,
    group: group.id,
    parent: event.parent,
    startedAt: event.at,
    order: event.order,
    depth: event.depth,
    agent: event.agent,
    node: event.node,
    status: 'routing',
    input,
    results,
    invoked: undefined,
    request: input,
    // Only an entry of the run gets what the thread has said.
    history: event.parent === undefined && !results ? state.run.pinned.history : undefined,
    from: event.from,
    attempt: 1,
    substitute: false,
    after: undefined,
    ticket: 0,
    steps: 0,
    asked: 0,
    step: undefined,
    fork: undefined,
    question: undefined,
    cancellation: undefined,
    blocked: false,
    before: undefined,
    pingPongCount: 0,
    turns: 0,
    edgePair: undefined,
    progressHashes: emptyDict(),
    noProgressCount: 0,
    value: undefined,
    error: undefined,
  }
  state.branches.all.set(branch.id, branch)
  group.branches.push(branch.id)
  group.open.add(branch.id)
  countLive(state, group, branch.node, 1)
  makeReady(state, branch)
  if (event.edge === undefined) return
  const parent = must(state.branches.all.get(event.parent as string), 'parent')
  countTraversal(state, event.edge, must(state.branches.groups.get(parent.group), parent.group), !event.origin)
}

/** At `User` the branch asks a question, which is a separate event. */
function makeReady(state: State, branch: Branch) {
  if (nodeIn(state, branch.node).kind !== 'agent') {
    setBranchStatus(state, branch, 'asking')
    return
  }
  setBranchStatus(state, branch, 'ready')
  branch.ticket = enqueue(state, queueOf(state, branch.node), branch.id)
}

/** @param group of the branch that used the edge @param leaves whether the branch continues along it */
export function countTraversal(state: State, index: number, group: Group, leaves = true): void {
  addTo(state.limits.edgeUses, index, 1)
  state.budgets.hops += 1
  const graph = graphIn(state)
  const edge = must(graph.edges[index], `edge ${index}`)
  if (edge.perPass) addTo(ownDict(group, 'passUses'), index, 1)
  else if (leaves) for (const other of nodeIn(state, edge.from).perPass) ownDict(group, 'passUses')[other.index] = 0
}

function moved(state: State, event: EventOf<'branch.moved'>): void {
  const branch = must(state.branches.all.get(event.branch), event.branch)
  const group = must(state.branches.groups.get(branch.group), branch.group)
  setBlocked(state, branch, false)
  setBranchStatus(state, branch, 'routing')
  leaveQueue(state, branch)
  if (event.edge !== undefined) alongEdge(state, branch, group, event.edge)
  if (event.node !== branch.node) {
    countReachable(state, group, branch.node, -1)
    branch.node = event.node
    countReachable(state, group, branch.node, 1)
  }
  const results = resultsAtJoin(state, event.meets)
  if (results) {
    branch.input = joinInput(results)
    branch.results = results
    branch.invoked = state.joins.open.get(event.meets as string)?.slots[0]?.agent
  } else if (event.input !== undefined) {
    branch.input = event.input
    branch.request = event.input
    branch.history = event.history
    branch.results = undefined
    branch.invoked = undefined
  }
  branch.from = event.from
  branch.attempt = event.attempt ?? 1
  branch.substitute = event.substitute ?? false
  branch.after = event.after
  branch.fork = undefined
  branch.question = undefined
  branch.cancellation = undefined
  if (event.after === undefined) makeReady(state, branch)
  else setBranchStatus(state, branch, 'delayed')
}

function alongEdge(state: State, branch: Branch, group: Group, index: number): void {
  const edge = must(graphIn(state).edges[index], `edge ${index}`)
  countTraversal(state, index, group)
  const bounded = edge.maxTurns !== undefined || edge.limit !== undefined
  branch.pingPongCount = !bounded && branch.before === edge.to ? branch.pingPongCount + 1 : 0
  branch.before = edge.from
  const edgePair = edge.alternating ? edgePairOf(edge) : undefined
  branch.turns = edgePair === undefined ? 0 : edgePair === branch.edgePair ? branch.turns + 1 : 2
  branch.edgePair = edgePair
}

function completed(state: State, event: EventOf<'branch.completed'>): void {
  const branch = must(state.branches.all.get(event.branch), event.branch)
  const group = end(state, branch, 'completed')
  branch.value = event.value
  if (event.as !== 'ended') return
  const value = event.value ?? null
  group.ends.push({ order: branch.order, value })
  state.run.lastValue = value
}

function failed(state: State, event: EventOf<'branch.failed' | 'branch.cancelled'>): void {
  const branch = must(state.branches.all.get(event.branch), event.branch)
  const group = end(state, branch, event.type === 'branch.failed' ? 'failed' : 'cancelled')
  branch.error = event.error
  if (isMoreSpecific(event.error, group.firstFailure)) group.firstFailure = event.error
  if (event.type === 'branch.failed' && event.errorHandled) group.errorHandled = true
}

/** Drops the data that a branch needed to continue. */
function end(state: State, branch: Branch, status: 'completed' | 'failed' | 'cancelled'): Group {
  const group = must(state.branches.groups.get(branch.group), branch.group)
  setBlocked(state, branch, false)
  setBranchStatus(state, branch, status)
  branch.fork = undefined
  branch.question = undefined
  branch.input = null
  branch.request = null
  branch.history = undefined
  branch.results = undefined
  branch.progressHashes = emptyDict()
  group.open.delete(branch.id)
  // Branches that start later in the group take their paths from the first one.
  if (branch.id !== group.id) state.labels.paths.delete(branch.id)
  leaveQueue(state, branch)
  countLive(state, group, branch.node, -1)
  return group
}

/** The cancellation of a branch, as after a completed join, is not the reason of a later failure. */
const isMoreSpecific = (error: StoredError, than: StoredError | undefined): boolean =>
  than === undefined || (than.code === 'cancelled' && error.code !== 'cancelled')

/** Returns the results of a join in the order of invocation, with failures unless the policy omits them. */
function resultsOf(joinState: JoinState): readonly Result[] {
  const all =
    joinState.kind === 'fork'
      ? joinState.slots.map((slot) => ({ ...(slot.result as Result), request: slot.request }))
      : [...joinState.arrivals].sort(byOrder).map((arrival) => arrival.result)
  return joinState.onFailure === 'continue' ? all.filter((result) => result.success) : all
}
