/** Guards: limits of a run. A tripped guard ends the run with its results so far. */
import { failure, type Json, type StoredError, storeError } from '../../../core/index.ts'
import type { GraphEdge } from '../../../topology/index.ts'
import type { Branch } from '../branches/branches-slice.ts'
import { type BudgetHolder, heldText } from '../budgets/budget-use.ts'
import { lackingGrants } from '../budgets/grants.ts'
import type { RunDecision } from '../decision.ts'
import type { Guard } from '../machine-events.ts'

export function trip(d: RunDecision, guard: Guard, error?: StoredError): void {
  if (d.state.run.cancellation || d.state.run.guard) return
  d.emit({ type: 'guard.tripped', guard })
  const { name, detail, ...use } = guard
  const text = detail ? `: ${detail}` : heldText(use)
  const tripped = error ?? storeError(failure('guard.tripped', { guard: name, ...use, detail: text }))
  d.later({ do: 'run.cancel', cancellation: { as: 'failed', error: tripped }, guard })
}

const fields = (details: Json | undefined): { readonly [key: string]: Json } =>
  details !== null && typeof details === 'object' && !Array.isArray(details)
    ? (details as { readonly [key: string]: Json })
    : {}

const guardKinds = ['guard.', 'budget.exceeded', 'journal.full'] as const

/** Returns the guard that a step tripped: repeated tool calls, a rejected budget, a full journal, or the guard of a child run. */
export function guardIn(error: StoredError): Guard | undefined {
  const kind = guardKinds.find((prefix) => error.code.startsWith(prefix))
  if (kind === undefined) return undefined
  const { guard, budget, limit, used, held, by, detail } = fields(error.details)
  const name = guard ?? budget
  return {
    name: typeof name === 'string' ? name : kind === 'guard.' ? error.code.slice(6) : (kind.split('.')[0] as string),
    limit: typeof limit === 'number' ? limit : 0,
    used: typeof used === 'number' ? used : 0,
    ...(typeof held === 'number' ? { held } : {}),
    ...(Array.isArray(by) ? { by: by as unknown as readonly BudgetHolder[] } : {}),
    ...(error.code !== 'guard.tripped' ? { detail: error.message } : detailOfChild(detail)),
  }
}

/** Returns the detail of the guard of a child run: its sentence is that of the guard of this run. */
const detailOfChild = (detail: Json | undefined) =>
  typeof detail === 'string' && detail.startsWith(': ') ? { detail: detail.slice(2) } : {}

/** Checked before a step starts; `later` if the run needs a grant first. */
export function stepAllowed(d: RunDecision): 'yes' | 'later' | 'never' {
  const { steps } = d.config.budget
  const { totalSteps } = d.state.budgets
  if (totalSteps >= steps) {
    trip(d, { name: 'steps', limit: steps, used: totalSteps })
    return 'never'
  }
  const lacking = lackingGrants(d.state)
  if (!lacking) return 'yes'
  if (!d.state.budgets.draw) d.emit({ type: 'budget.requested', ...lacking })
  return 'later'
}

export function depthAllowed(d: RunDecision, depth: number): boolean {
  if (depth <= d.config.budget.depth) return true
  trip(d, { name: 'depth', limit: d.config.budget.depth, used: depth })
  return false
}

export function hopsAllowed(d: RunDecision, more: number): boolean {
  const { hops } = d.config.budget
  const { hops: used } = d.state.budgets
  if (used + more <= hops) return true
  trip(d, { name: 'hops', limit: hops, used })
  return false
}

/** Checked before branches start. Branches that wait for a slot count as open. */
export function branchesAllowed(d: RunDecision, more: number): boolean {
  const { branches } = d.config.budget
  const open = d.state.branches.openCount + more
  if (open <= branches) return true
  trip(d, { name: 'branches', limit: branches, used: open })
  return false
}

/** Trips if two agents send a branch back and forth, except in a conversation with bounded turns. */
export function notPingPong(d: RunDecision, branch: Branch, edge: GraphEdge): boolean {
  const guard = d.config.guards.pingPong
  if (!guard || edge.maxTurns !== undefined || edge.limit !== undefined || branch.before !== edge.to) return true
  const hops = branch.pingPongCount + 2
  if (hops < guard.hops) return true
  trip(d, { name: 'pingPong', limit: guard.hops, used: hops, detail: `${edge.from} and ${edge.to}` })
  return false
}

/** @returns true if the branch has repeated earlier inputs and outcomes too often */
export function checkProgress(d: RunDecision, branch: Branch): boolean {
  const guard = d.config.guards.noProgress
  if (!guard || branch.noProgressCount < guard.steps) return false
  trip(d, {
    name: 'noProgress',
    limit: guard.steps,
    used: branch.noProgressCount,
    detail: `branch ${branch.id} repeats itself`,
  })
  return true
}
