/**
 * The counts that `evolve` maintains: which branches are open, which can still reach which join, and which are blocked. A
 * blocked branch waits for a person, a resolution, other code, or a child run that waits.
 */

import { addTo, ownDict } from '../dict.ts'
import type { JoinState } from '../joins/joins-slice.ts'
import { must, type State } from '../state.ts'
import type { Step } from '../steps/steps-slice.ts'
import { transitionTo } from '../transition-to.ts'
import type { Branch, Group } from './branches-slice.ts'
import { type BranchStatus, branchTransitions } from './branches-slice.ts'
import { joinsAhead } from './flow.ts'

/** Changes the number of branches of a group that can still reach the joins after a node. */
export function countReachable(state: State, group: Group, node: string, by: 1 | -1): void {
  for (const joinNode of joinsAhead(state, group, node).reach) addTo(ownDict(group, 'reachableCounts'), joinNode, by)
}

export function countLive(state: State, group: Group, node: string, by: 1 | -1): void {
  group.live += by
  state.branches.openCount += by
  countReachable(state, group, node, by)
  refreshGroup(state, group)
}

/** Changes the status of a branch. No other code does. */
export function setBranchStatus({ branches }: State, branch: Branch, status: BranchStatus): void {
  if (branch.status === 'delayed') branches.delayedCount -= 1
  branch.status = transitionTo(branchTransitions, `branch ${branch.id}`, branch.status, status)
  if (status === 'delayed') branches.delayedCount += 1
}

/** Updates whether a branch is blocked, and with it its group, the fork that waits for the group, and all ancestors. */
export function setBlocked(state: State, branch: Branch, blocked: boolean): void {
  if (branch.blocked === blocked) return
  const group = state.branches.groups.get(branch.group) as Group
  branch.blocked = blocked
  group.blocked += blocked ? 1 : -1
  for (const joinNode of joinsAhead(state, group, branch.node).reach)
    addTo(ownDict(group, 'blockedReachableCounts'), joinNode, blocked ? 1 : -1)
  refreshGroup(state, group)
}

function refreshGroup(state: State, group: Group): void {
  if (group.origin.kind !== 'call') return
  const joinState = must(state.joins.open.get(group.origin.joinId), group.origin.joinId)
  const slot = must(joinState.slots[group.origin.slot], group.id)
  const blocked = !slot.result && group.live > 0 && group.blocked === group.live
  if (blocked === slot.blocked) return
  slot.blocked = blocked
  joinState.blocked += blocked ? 1 : -1
  refreshJoin(state, joinState)
}

export function refreshJoin(state: State, joinState: JoinState): void {
  const branch = must(state.branches.all.get(joinState.branch as string), joinState.id)
  setBlocked(state, branch, joinState.pending > 0 && joinState.blocked === joinState.pending)
}

/** Returns whether all branches for which a join waits are blocked. */
export function isJoinBlocked(state: Readonly<State>, joinState: JoinState): boolean {
  if (joinState.kind === 'fork') return joinState.pending > 0 && joinState.blocked === joinState.pending
  const { reachableCounts, blockedReachableCounts } = must(state.branches.groups.get(joinState.group), joinState.group)
  return (
    (reachableCounts[joinState.node] as number) > 0 &&
    blockedReachableCounts[joinState.node] === reachableCounts[joinState.node]
  )
}

/** Returns whether a step waits for something outside its run: a child run, or the reply of another agent. */
const waitsOutside = (step: Step) =>
  step.status === 'waiting' &&
  step.reason === 'parked' &&
  (step.childCount > 0 || step.openQuestions + step.openRequests === 0)

/** Returns whether nothing for which a step waits can arrive without a person, a resolution or other code. */
function isBlocked(step: Step): boolean {
  if (step.status !== 'waiting' || step.cancellation) return false
  if (step.reason !== 'parked') return true
  const { openQuestions, openRequests, blockedRequests, childCount, waitingChildCount } = step
  return (
    openQuestions + openRequests + childCount > 0 &&
    blockedRequests === openRequests &&
    waitingChildCount === childCount
  )
}

/** Changes a step and updates each count that depends on its status, questions, requests and child runs. */
export function changeStep(state: State, step: Step, change: () => void): void {
  countStep(state, step, -1)
  change()
  countStep(state, step, 1)
  refreshStep(state, step)
}

function refreshStep(state: State, step: Step): void {
  const blocked = isBlocked(step)
  if (blocked === step.blocked) return
  step.blocked = blocked
  if (step.serve) {
    const asker = state.steps.open.get(step.serve.from)
    if (!asker?.requests[step.id]) return
    asker.blockedRequests += blocked ? 1 : -1
    refreshStep(state, asker)
    return
  }
  const branch = state.branches.all.get(step.branch)
  if (branch?.step === step.id) setBlocked(state, branch, blocked)
}

/** Adds or removes a step from the counts. */
export function countStep(state: State, step: Step, by: 1 | -1): void {
  if (step.status === 'running') {
    state.steps.executing += by
    if (!step.serve) {
      state.steps.parallel += by
      addTo(state.limits.busy, step.node, by)
    }
  }
  if (step.status !== 'waiting') return
  if (step.reason === 'uncertain') state.steps.uncertain += by
  if (step.reason === 'code.changed') state.steps.codeChanged += by
  if (!waitsOutside(step)) return
  state.steps.external += by
  if (step.childCount === 0 || step.waitingChildCount < step.childCount) state.steps.movingExternal += by
}
