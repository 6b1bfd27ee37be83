/**
 * The messages of steps and timers in the inbox of their run, and the inputs that they become. These shapes are stored: they keep
 * their meaning, and new fields are optional.
 */
import type { Outcome, Question } from '../../../agents/index.ts'
import { failure, type Json, type StoredError, type TaintLabel, taintField } from '../../../core/index.ts'
import type { StepEnd } from '../../../journal/index.ts'
import type { BreakOn } from '../../../topology/index.ts'
import type { Breakpoint, Input, RunCharged, StepUsage, Tripped } from '../../machine/machine-events.ts'
import type { ChildChanged } from '../../machine/result.ts'
import { childIn } from '../children/child-run-id.ts'

/** A command for a run: an input without its time, which is set when the run accepts it. */
export type Order =
  | { readonly type: 'pause' | 'cancel'; readonly by: string }
  | { readonly type: 'resume'; readonly by: string; readonly steps?: number }
  | { readonly type: 'break'; readonly by: string; readonly breakOn: readonly BreakOn[] }
  | { readonly type: 'step.edited'; readonly step: string; readonly outcome: Outcome; readonly by: string }
  | { readonly type: 'branch.edited'; readonly branch: string; readonly input: Json; readonly by: string }
  | {
      readonly type: 'question.answered'
      readonly question: string
      readonly value: Json
      readonly by: string
      readonly taint?: readonly TaintLabel[]
    }
  | { readonly type: 'step.resumed'; readonly step: string }

type Tainted = {
  readonly taint?: readonly TaintLabel[]
} & Tripped

export type RunMessage =
  | ({
      readonly type: 'completed'
      readonly step: string
      readonly outcome: Outcome
      readonly usage?: StepUsage
    } & Tainted)
  | ({
      readonly type: 'failed'
      readonly step: string
      readonly error: StoredError
      readonly usage?: StepUsage
    } & Tainted)
  | {
      readonly type: 'asked'
      readonly step: string
      readonly wait: string
      readonly question: Question
      readonly agent?: string
    }
  | ({
      readonly type: 'requested'
      readonly step: string
      readonly wait: string
      readonly to: string
      readonly message: string
      readonly payload: Json
      readonly deadline?: number
    } & Tainted)
  | { readonly type: 'timer'; readonly name: string }
  /** Sent by the parent; a breakpoint is sent by a child run. */
  | { readonly type: 'pause'; readonly breakpoint?: Breakpoint }
  | { readonly type: 'resume'; readonly steps?: number }
  | { readonly type: 'break'; readonly breakOn: readonly BreakOn[] }
  /** The parent has failed or was cancelled. */
  | { readonly type: 'cancel' }
  /** `key` and `agent` of the caller; another process may accept the command. */
  | {
      readonly type: 'command'
      readonly id: string
      readonly order: Order
      readonly key?: string
      readonly agent?: string
    }
  | ({ readonly type: 'charged' } & Omit<RunCharged, 'type'>)
  /** Sent by a child run. */
  | ChildChanged

export const runMessageJson = (message: RunMessage): Json => message

/** @param at the time at which the run accepts it, ms since 1970 */
export function inputOf(body: Json, at: number): Input {
  const runMessage = body as RunMessage
  switch (runMessage.type) {
    case 'completed':
      return {
        at,
        type: 'step.returned',
        step: runMessage.step,
        outcome: runMessage.outcome,
        ...(runMessage.usage ? { usage: runMessage.usage } : {}),
        ...taintField(runMessage.taint),
        ...tripsField(runMessage.trips),
      }
    case 'failed':
      return { at, ...rejectionOf(runMessage) }
    case 'asked':
      return {
        at,
        type: 'question.asked',
        step: runMessage.step,
        wait: runMessage.wait,
        question: runMessage.question,
        ...(runMessage.agent === undefined ? {} : { agent: runMessage.agent }),
      }
    case 'requested': {
      const { step, wait, to, message, payload } = runMessage
      const deadline = runMessage.deadline === undefined ? {} : { deadline: runMessage.deadline }
      return {
        at,
        type: 'request.made',
        step,
        wait,
        to,
        message,
        payload,
        ...deadline,
        ...taintField(runMessage.taint),
      }
    }
    case 'charged':
      return { ...runMessage, at, type: 'run.charged' }
    case 'command':
      return { ...runMessage.order, at }
    case 'child.waiting':
    case 'child.resumed':
      return { ...runMessage, at }
    case 'timer':
      return { at, type: 'timer', name: runMessage.name }
    case 'pause':
      return runMessage.breakpoint
        ? { at, type: 'pause', by: 'breakpoint', breakpoint: runMessage.breakpoint }
        : { at, type: 'pause', by: 'parent' }
    case 'resume':
      return {
        at,
        type: 'resume',
        by: 'parent',
        ...(runMessage.steps === undefined ? {} : { steps: runMessage.steps }),
      }
    case 'cancel':
      return { at, type: 'cancel', by: 'parent' }
    case 'break':
      return { at, type: 'break', by: 'parent', breakOn: runMessage.breakOn }
    default:
      throw failure('invariant.broken', { rule: 'what is put into the inbox of a run is known to this release' })
  }
}

/** A step whose reservation the storage rejected has not failed: the guard of the budget ended the run. */
function rejectionOf({ step, error, usage, taint, trips }: RunMessage & { readonly type: 'failed' }) {
  const more = { ...(usage ? { usage } : {}), ...taintField(taint), ...tripsField(trips) }
  const { budget, limit = 0 } = (error.details ?? {}) as { budget?: string; limit?: number }
  if (error.code === 'budget.exceeded' && (budget === 'tokens' || budget === 'cost')) {
    // The run knows its usage of tokens and cost; the rejected reservation has not read it.
    return { type: 'budget.rejected' as const, step, budget, limit, ...more }
  }
  return { type: 'step.failed' as const, step, error, ...more }
}

/** Returns the field of a message or an input; no field without a trip. */
export const tripsField = (trips: Tripped['trips'] = []): Tripped => (trips.length === 0 ? {} : { trips })

type Unsettled = Extract<StepEnd, { readonly status: 'parked' | 'uncertain' | 'code.changed' }>

/** A waiting step and its waits, as the run records them. */
export function waitOf(
  { step, usage, trips }: { readonly step: string; readonly usage: StepUsage | undefined } & Tripped,
  end: Unsettled,
  at: number,
): Extract<Input, { readonly type: 'step.waiting' }> {
  const children = end.status === 'parked' ? end.waits.flatMap((call) => childIn(call) ?? []) : []
  const wait = {
    at,
    type: 'step.waiting',
    step,
    reason: end.status,
    detail: detailOf(end),
    children,
    ...tripsField(trips),
  } as const
  return usage ? { ...wait, usage } : wait
}

function detailOf(end: Unsettled): Json {
  if (end.status === 'parked') return [...end.waits]
  return end.status === 'uncertain' ? { effect: end.effect, call: end.call } : { problem: end.problem }
}
