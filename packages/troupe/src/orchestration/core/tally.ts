/** The counts that `evolve` keeps: who is alive, who can still come to which meeting, who waits for people alone. */

import { type Barrier, type Branch, must, type Scope, type State, type Step } from './state.ts'
import { nodeIn } from './ways.ts'

/** One holder more or less in the scope that can still come to the meetings ahead of a node. */
export function countAble(state: State, scope: Scope, node: string, by: 1 | -1): void {
  for (const meeting of nodeIn(state, node).reach) state.ledger.add(scope.able, meeting, by)
}

export function countLive(state: State, scope: Scope, node: string, by: 1 | -1): void {
  state.ledger.add(scope, 'live', by)
  state.ledger.add(state.counts, 'live', by)
  countAble(state, scope, node, by)
  refreshScope(state, scope)
}

/** Whether a branch waits for people alone, and with it its scope, the fork that waits for that, and so on upward. */
export function setAway(state: State, branch: Branch, away: boolean): void {
  if (branch.away === away) return
  const scope = state.scopes.get(branch.scope) as Scope
  state.ledger.set(branch, 'away', away)
  state.ledger.add(scope, 'away', away ? 1 : -1)
  for (const meeting of nodeIn(state, branch.node).reach) state.ledger.add(scope.ableAway, meeting, away ? 1 : -1)
  refreshScope(state, scope)
}

function refreshScope(state: State, scope: Scope): void {
  if (scope.opens.kind !== 'call') return
  const barrier = must(state.barriers.get(scope.opens.barrier), scope.opens.barrier)
  const slot = must(barrier.slots[scope.opens.slot], scope.id)
  const away = !slot.result && scope.live > 0 && scope.away === scope.live
  if (away === slot.away) return
  state.ledger.set(slot, 'away', away)
  state.ledger.add(barrier, 'away', away ? 1 : -1)
  refreshBarrier(state, barrier)
}

export function refreshBarrier(state: State, barrier: Barrier): void {
  const branch = must(state.branches.get(barrier.branch as string), barrier.id)
  setAway(state, branch, barrier.pending > 0 && barrier.away === barrier.pending)
}

/** All that this barrier misses waits for people. */
export function missesPeopleAlone(state: Readonly<State>, barrier: Barrier): boolean {
  if (barrier.kind === 'fork') return barrier.pending > 0 && barrier.away === barrier.pending
  const { able, ableAway } = must(state.scopes.get(barrier.scope), barrier.scope)
  return (able[barrier.node] as number) > 0 && ableAway[barrier.node] === able[barrier.node]
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
    setAway(state, branch, step.status === 'waiting' && step.openQuestions > 0 && !step.recall)
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
