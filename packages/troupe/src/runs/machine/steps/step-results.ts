/** Decides about the reports of steps: outcomes, failures and waits. */

import type { Outcome } from '../../../agents/index.ts'
import {
  failure,
  hashJsonInParts,
  type Json,
  type StoredError,
  storeError,
  type TaintLabel,
  taintField,
  type WorkInParts,
} from '../../../core/index.ts'
import type { Branch } from '../branches/branches-slice.ts'
import { finishCancellation, withdraw } from '../branches/cancellation.ts'
import { routeError } from '../branches/fail-branch.ts'
import { type Plan, planOf } from '../branches/flow.ts'
import { routeResult } from '../branches/route-result.ts'
import { totalUsage } from '../budgets/total-usage.ts'
import type { RunDecision } from '../decision.ts'
import { taintOfStep } from '../labels/evolve-taint.ts'
import { checkProgress, guardIn, trip } from '../limits/guards.ts'
import type { InputOf, StepEnding, Tripped } from '../machine-events.ts'
import { stopsAtFailure, suspendFailure } from '../people/breakpoints.ts'
import type { StepUsage } from '../result.ts'
import type { Step } from './steps-slice.ts'

export function stepReturned(d: RunDecision, input: InputOf<'step.returned'>): void {
  const step = d.state.steps.open.get(input.step)
  if (!step) return
  recordTrips(d, step, input)
  endStep(d, step, { outcome: input.outcome, ...endFields(input) })
}

export function stepFailed(d: RunDecision, input: InputOf<'step.failed'>): void {
  const step = d.state.steps.open.get(input.step)
  if (!step) return
  recordTrips(d, step, input)
  endStep(d, step, { error: input.error, ...endFields(input) })
}

/** Records the trips that are new: an execution after a wait or a crash reports all trips of the step. */
function recordTrips(d: RunDecision, step: Step, { trips = [] }: Tripped): void {
  const { id: stepId, branch } = step
  for (const { id: trip, ...fields } of trips)
    if (!step.trips?.includes(trip)) d.emit({ type: 'guardrail.tripped', step: stepId, branch, trip, ...fields })
}

const endFields = ({ usage, taint }: Pick<StepEnding, 'usage' | 'taint'>) => ({
  ...(usage ? { usage } : {}),
  ...taintField(taint),
})

/** Returns the used tokens or cost of ended steps and of this step; other open steps have not reported yet. */
function usedOf({ state }: RunDecision, budget: string, step: string, last: StepUsage | undefined): number {
  const { inputTokens, outputTokens, cost } = totalUsage(state, last && step)
  if (budget === 'cost') return cost + (last?.cost ?? 0)
  return inputTokens + outputTokens + (last?.inputTokens ?? 0) + (last?.outputTokens ?? 0)
}

/** The step that requested the budget fails, and the run ends with its results so far. */
export function budgetRejected(d: RunDecision, input: InputOf<'budget.rejected'>): void {
  const { budget, limit, held, by } = input
  if (input.step === undefined) {
    const { used = limit } = input
    trip(d, { name: budget, limit, used, ...(held === undefined ? {} : { held }), ...(by ? { by } : {}) })
    return
  }
  const step = d.state.steps.open.get(input.step)
  if (!step) return
  recordTrips(d, step, input)
  const used = input.used ?? usedOf(d, budget, step.id, input.usage)
  const others = requestText(used, limit, input.needed)
  const error = storeError(failure('budget.exceeded', { budget, used, limit, others }))
  endStep(d, step, { error, ...endFields(input) })
}

/** Returns the end of a sentence that says why a step did not get the amount that it requested. */
function requestText(used: number, limit: number, needed: number | undefined): string {
  if (needed === undefined) return ''
  const request = `the next call needs ${needed}`
  return used + needed > limit ? `, and ${request}` : `, ${request}, and steps in progress hold the rest`
}

export function stepWaits(d: RunDecision, input: InputOf<'step.waiting'>): void {
  const step = d.state.steps.open.get(input.step)
  if (!step || step.cancellation || step.suspendedEnding || step.status === 'ready') return
  recordTrips(d, step, input)
  const { reason, detail, children = [], usage } = input
  if (step.reason === reason && isAwaiting(step, children)) return
  const { id, branch, agent } = step
  d.emit({
    type: 'step.waiting',
    step: id,
    branch,
    agent,
    reason,
    ...(detail === undefined ? {} : { detail }),
    ...(children.length > 0 ? { children } : {}),
    ...(usage ? { usage } : {}),
  })
}

const isAwaiting = (step: Step, children: readonly string[]) =>
  children.length === step.childCount && children.every((child) => step.children[child])

/** A child run of a step waits, or moves; a step that has ended no longer cares. */
export function childChanged(d: RunDecision, input: InputOf<'child.waiting' | 'child.resumed'>): void {
  const step = d.state.steps.open.get(input.step)
  if (!step || (input.type === 'child.resumed' && !d.state.steps.waitingChildren.has(input.child))) return
  const { at: _, ...fields } = input
  d.emit({ ...fields, branch: step.branch, agent: step.agent })
}

/** Applies the result of a person in place of the failure of a step. */
export function stepEdited(d: RunDecision, { step: id, outcome }: InputOf<'step.edited'>): void {
  const step = d.state.steps.open.get(id)
  if (step?.suspendedEnding)
    endStep(d, step, { outcome, ...endFields({ ...step.suspendedEnding, taint: taintOfStep(d.state, step) }) })
}

export function stepResumed(d: RunDecision, id: string): void {
  const step = d.state.steps.open.get(id)
  if (step?.status === 'waiting' && !step.suspendedEnding)
    d.emit({ type: 'step.resumed', step: id, branch: step.branch, agent: step.agent })
}

export function endStep(d: RunDecision, step: Step, ending: StepEnding) {
  withdraw(d, step)
  if (step.serve) return endServing(d, step, ending)
  const branch = d.branch(step.branch)
  const plan: Plan | undefined = 'outcome' in ending ? planOf(d.state, branch, ending.outcome) : undefined
  const rejected =
    plan?.kind === 'invalid' && !step.cancellation ? invalid(step.agent, plan.problem, plan.allowed) : undefined
  const failed = rejected ?? ('error' in ending ? ending.error : undefined)
  if (failed && stopsAtFailure(d, step, failed)) return suspendFailure(d, step, failed, endFields(ending))
  emitEnd(d, step, branch, ending, rejected)
  if (branch.cancellation) return finishCancellation(d, branch)
  const error = step.cancellation?.error ?? failed
  const guard = error && guardIn(error)
  if (guard) return trip(d, guard)
  if (error) return routeError(d, branch, error)
  if (checkProgress(d, branch)) return
  routeResult(d, branch, plan as Exclude<Plan, { kind: 'invalid' }>)
}

const invalid = (agent: string, problem: string, allowed: string) =>
  storeError(failure('outcome.invalid', { agent, problem, allowed }))

function emitEnd(d: RunDecision, step: Step, branch: Branch, ending: StepEnding, rejected: StoredError | undefined) {
  const { id, agent } = step
  const more = endFields(ending)
  const error = rejected ?? ('error' in ending ? ending.error : undefined)
  if (error !== undefined) return d.emit({ type: 'step.failed', step: id, branch: branch.id, agent, error, ...more })
  const { outcome } = ending as { readonly outcome: Outcome }
  const progressHash = d.progressHash === undefined ? {} : { progressHash: d.progressHash }
  d.emit({ type: 'step.completed', step: id, branch: branch.id, agent, outcome, ...more, ...progressHash })
}

/**
 * Hashes where a branch is and its outcome, for the guard `noProgress`, before the outcome is decided about. The carried part
 * of a hand-off is left out, because it grows from step to step without progress.
 */
export function* hashProgress(
  d: RunDecision,
  { step, outcome }: Pick<InputOf<'step.returned'>, 'step' | 'outcome'>,
): WorkInParts<void> {
  const branch = d.state.branches.all.get(d.state.steps.open.get(step)?.branch ?? '')
  if (!branch || d.config.guards.noProgress === false) return
  const progress = 'carried' in outcome ? { ...outcome, carried: null } : outcome
  d.progressHash = (yield* hashJsonInParts([branch.node, branch.input, progress])).slice(0, 16)
}

/** Delivers the reply to the requesting step, if it still waits. */
function endServing(d: RunDecision, step: Step, ending: StepEnding) {
  const serve = step.serve as NonNullable<Step['serve']>
  const { id, branch, agent } = step
  const more = endFields(ending)
  let error = step.cancellation?.error ?? ('error' in ending ? ending.error : undefined)
  if (error === undefined && 'outcome' in ending) {
    const { outcome } = ending
    if (outcome.kind === 'value' || outcome.kind === 'finish') {
      d.emit({ type: 'step.completed', step: id, branch, agent, outcome, ...more })
      return reply(d, serve.from, serve.wait, { value: outcome.value }, ending.taint)
    }
    error = invalid(
      agent,
      `it cannot ${outcome.kind === 'invoke' ? 'invoke' : 'hand off'} while it answers a request`,
      'return the reply',
    )
  }
  const why = error as StoredError
  d.emit({ type: 'step.failed', step: id, branch, agent, error: why, ...more })
  const guard = guardIn(why)
  if (guard && !step.cancellation) return trip(d, guard)
  reply(d, serve.from, serve.wait, { error: why }, ending.taint)
}

export function reply(
  d: RunDecision,
  to: string,
  wait: string,
  answer: { readonly value: Json } | { readonly error: StoredError },
  taint?: readonly TaintLabel[],
  whilePaused = false,
): void {
  const asker = d.state.steps.open.get(to)
  if (!asker || asker.cancellation) return
  const { branch, agent, status } = asker
  const isDeferred = d.state.run.pausedBy !== undefined && status === 'waiting' && !whilePaused
  const type = isDeferred ? 'answer.deferred' : 'answer.delivered'
  d.emit({ type, step: to, branch, agent, wait, answer, ...taintField(taint) })
}
