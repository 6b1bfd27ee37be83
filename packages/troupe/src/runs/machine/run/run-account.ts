/** The account of a run at present, for its result and for lists. */
import type { Question } from '../../../agents/index.ts'
import { failure, type Json, type StoredError, storeError, type TaintLabel, taintField } from '../../../core/index.ts'
import type { Branch } from '../branches/branches-slice.ts'
import { totalUsage } from '../budgets/total-usage.ts'
import { taintOfRun } from '../labels/evolve-taint.ts'
import type { Guard } from '../machine-events.ts'
import type { RunReason } from '../result.ts'
import { hasEnded, type State } from '../state.ts'
import type { Step, WaitingChild } from '../steps/steps-slice.ts'

export type RunStatus = 'running' | 'completed' | 'failed' | 'cancelled' | 'waiting'

export interface DerivedStatus {
  readonly status: RunStatus
  readonly reason?: RunReason
  readonly over: boolean
}

export type BranchAccount = {
  readonly id: string
  readonly agent: string
  readonly status: 'running' | 'waiting' | 'completed' | 'failed' | 'cancelled'
  readonly success: boolean
  readonly value?: Json
  readonly error?: StoredError
}

export type RunAccount = {
  readonly status: RunStatus
  readonly reason?: RunReason
  readonly success: boolean
  readonly response?: Json
  readonly questions: readonly (Question & { readonly id: string; readonly agent: string })[]
  readonly totalSteps: number
  readonly branchResults: readonly BranchAccount[]
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number }
  readonly cost: { readonly usd: number; readonly unknown: readonly string[] }
  readonly durationMs: number
  readonly guard?: Guard
  readonly error?: StoredError
  /** The taint labels of the run so far; absent for none. */
  readonly taint?: readonly TaintLabel[]
}

/** Derives the status: a run waits, with a reason, if nothing in it can move without an action from outside. */
export function deriveStatus(state: Readonly<State>): DerivedStatus {
  if (hasEnded(state)) return { status: state.run.status as RunStatus, over: true }
  const waiting = (reason: RunReason): DerivedStatus => ({ status: 'waiting', reason, over: false })
  const running: DerivedStatus = { status: 'running', over: false }
  if (state.run.cancellation || state.steps.executing > 0) return running
  if (state.run.pausedBy !== undefined) return waiting(state.run.breakpoint ? 'breakpoint' : 'paused')
  if (state.budgets.draw) return running
  if (
    state.run.status === 'new' ||
    state.steps.movingExternal + state.branches.delayedCount > 0 ||
    state.run.retryTimer !== undefined
  )
    return running
  if (state.steps.uncertain > 0) return waiting('uncertain')
  if (state.steps.codeChanged > 0) return waiting('code.changed')
  if (state.questions.open.size > 0) return waiting('question')
  return state.steps.external > 0 ? waiting(reasonOf([...state.steps.waitingChildren.values()])) : running
}

/** A question of a child run takes precedence over other reasons of child runs, because the same people answer it. */
const reasonOf = (children: readonly WaitingChild[]): RunReason =>
  children.some(({ reason }) => reason === 'question') ? 'question' : (children[0] as WaitingChild).reason

/** @param at the time in ms since 1970, for the duration of an open run */
export function runAccountOf(state: Readonly<State>, at: number): RunAccount {
  const { status, reason, over } = deriveStatus(state)
  const problems = problemsOf(state)
  const { inputTokens, outputTokens, cost: usd, unknown } = totalUsage(state)
  return {
    status,
    ...(reason ? { reason } : {}),
    success: status === 'completed',
    ...(state.run.response === undefined ? {} : { response: state.run.response }),
    questions: over ? [] : askedQuestions(state),
    totalSteps: state.budgets.totalSteps,
    branchResults: [...state.branches.all.values()].map((branch) => accountOf(branch, problems.get(branch.id))),
    usage: { inputTokens, outputTokens },
    cost: { usd, unknown },
    durationMs: Math.max(0, (over ? state.clocks.lastAt : at) - state.run.startedAt),
    ...(state.run.guard ? { guard: state.run.guard } : {}),
    ...(state.run.error ? { error: state.run.error } : {}),
    ...taintField(taintOfRun(state)),
  }
}

export const askedQuestions = (state: Readonly<State>) =>
  [...state.questions.open.values()].map(({ id, agent, ask }) => ({ ...ask, id, agent }))

/** Returns the problems that no answer can solve, by branch: uncertain effects and changed code. */
function problemsOf({ steps }: Readonly<State>): ReadonlyMap<string, StoredError> {
  if (steps.uncertain + steps.codeChanged === 0) return new Map()
  return new Map(
    [...steps.open.values()].flatMap((step) => problemOf(step).map((problem) => [step.branch, problem] as const)),
  )
}

function problemOf({ id, reason, detail }: Step): readonly StoredError[] {
  const { effect, problem } = { effect: 'an effect', problem: 'it is another', ...(detail as object | undefined) }
  if (reason === 'uncertain') return [storeError(failure('effect.uncertain', { step: id, effect }))]
  return reason === 'code.changed' ? [storeError(failure('code.changed', { step: id, problem }))] : []
}

function accountOf(branch: Readonly<Branch>, problem: StoredError | undefined): BranchAccount {
  const { id, agent, status, value, error = problem } = branch
  return {
    id,
    agent,
    status: shownStatus(branch),
    success: status === 'completed',
    ...(value === undefined ? {} : { value }),
    ...(error ? { error } : {}),
  }
}

/** A branch whose step waits for a person, a resolution, other code or a child run that waits is itself waiting. */
function shownStatus({ status, blocked }: Readonly<Branch>): BranchAccount['status'] {
  if (status === 'completed' || status === 'failed' || status === 'cancelled') return status
  return status === 'running' && !blocked ? 'running' : 'waiting'
}
