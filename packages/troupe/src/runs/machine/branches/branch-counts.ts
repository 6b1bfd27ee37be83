/** The counts that `evolve` keeps: who is alive, who can still come to which meeting, who waits for people alone. */

import { type Branch, type Group, type JoinState, must, type State, type Step } from '../state.ts'
import { nodeIn } from './flow.ts'

/** One holder more or less in the scope that can still come to the meetings ahead of a node. */
export function countReachable(state: State, group: Group, node: string, by: 1 | -1): void {
  for (const joinNode of nodeIn(state, node).reach) state.ledger.add(group.reachableCounts, joinNode, by)
}

export function countLive(state: State, group: Group, node: string, by: 1 | -1): void {
  state.ledger.add(group, 'live', by)
  state.ledger.add(state.counts, 'live', by)
  countReachable(state, group, node, by)
  refreshGroup(state, group)
}

/** Whether a branch waits for people alone, and with it its scope, the fork that waits for that, and so on upward. */
export function setBlocked(state: State, branch: Branch, blocked: boolean): void {
  if (branch.blocked === blocked) return
  const group = state.groups.get(branch.group) as Group
  state.ledger.set(branch, 'blocked', blocked)
  state.ledger.add(group, 'blocked', blocked ? 1 : -1)
  for (const joinNode of nodeIn(state, branch.node).reach)
    state.ledger.add(group.blockedReachableCounts, joinNode, blocked ? 1 : -1)
  refreshGroup(state, group)
}

function refreshGroup(state: State, group: Group): void {
  if (group.origin.kind !== 'call') return
  const joinState = must(state.joins.get(group.origin.joinId), group.origin.joinId)
  const slot = must(joinState.slots[group.origin.slot], group.id)
  const blocked = !slot.result && group.live > 0 && group.blocked === group.live
  if (blocked === slot.blocked) return
  state.ledger.set(slot, 'blocked', blocked)
  state.ledger.add(joinState, 'blocked', blocked ? 1 : -1)
  refreshJoin(state, joinState)
}

export function refreshJoin(state: State, joinState: JoinState): void {
  const branch = must(state.branches.get(joinState.branch as string), joinState.id)
  setBlocked(state, branch, joinState.pending > 0 && joinState.blocked === joinState.pending)
}

/** All that this barrier misses waits for people. */
export function missesPeopleAlone(state: Readonly<State>, joinState: JoinState): boolean {
  if (joinState.kind === 'fork') return joinState.pending > 0 && joinState.blocked === joinState.pending
  const { reachableCounts, blockedReachableCounts } = must(state.groups.get(joinState.group), joinState.group)
  return (
    (reachableCounts[joinState.node] as number) > 0 &&
    blockedReachableCounts[joinState.node] === reachableCounts[joinState.node]
  )
}

/** A step waits for something outside of the run where it asks no person and no step of the run. */
const waitsOutside = (step: Step) =>
  step.status === 'waiting' && step.reason === 'parked' && step.openQuestions + step.openRequests === 0

/** Changes a step and keeps every count that depends on its status, its questions and its requests. */
export function changeStep(state: State, step: Step, change: () => void): void {
  const { ledger, counts } = state
  const before = { status: step.status, outside: waitsOutside(step), reason: step.reason }
  change()
  if (before.outside !== waitsOutside(step)) ledger.add(counts, 'outside', before.outside ? -1 : 1)
  countStep(state, step, before.status, -1, before.reason)
  countStep(state, step, step.status, 1, step.reason)
  const branch = step.serve ? undefined : state.branches.get(step.branch)
  if (branch?.step === step.id)
    setBlocked(state, branch, step.status === 'waiting' && step.openQuestions > 0 && !step.cancellation)
}

export function countStep(state: State, step: Step, status: Step['status'], by: 1 | -1, reason = step.reason): void {
  const { ledger, counts } = state
  if (status === 'running') {
    ledger.add(counts, 'executing', by)
    if (!step.serve) {
      ledger.add(counts, 'parallel', by)
      ledger.add(state.busy, step.node, by)
    }
  }
  if (status === 'waiting' && reason === 'uncertain') ledger.add(counts, 'uncertain', by)
  if (status === 'waiting' && reason === 'code.changed') ledger.add(counts, 'changed', by)
}

export function dropOutside(state: State, step: Step): void {
  if (waitsOutside(step)) state.ledger.add(state.counts, 'outside', -1)
}
