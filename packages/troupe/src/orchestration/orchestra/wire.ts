/**
 * What steps and timers put into the inbox of their run, and how it becomes an input of the core. These shapes are
 * stored: they keep their meaning, and what is added is optional.
 */
import type { Outcome, Question } from '../../agents/index.ts'
import { failure, type Json, type StoredError, type TaintLabel, taintField } from '../../core/index.ts'
import type { BreakOn } from '../core/config.ts'
import type { Breakpoint, Input, RunCharged, StepUsage } from '../core/model.ts'

/** What a run is told to do: an input without its moment, which is when the run takes it in. */
export type Order =
  | { readonly type: 'pause' | 'cancel'; readonly by: string }
  | { readonly type: 'continue'; readonly by: string; readonly steps?: number }
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
}

export type Told =
  | ({
      readonly type: 'settled'
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
  /** By the run above; a breakpoint is of a run below. */
  | { readonly type: 'pause'; readonly breakpoint?: Breakpoint }
  | { readonly type: 'continue'; readonly steps?: number }
  | { readonly type: 'break'; readonly breakOn: readonly BreakOn[] }
  | { readonly type: 'command'; readonly id: string; readonly order: Order }
  | ({ readonly type: 'charged' } & Omit<RunCharged, 'type'>)

export const toJson = (told: Told): Json => told

/** @param at when the run takes it in, ms since 1970 */
export function inputOf(body: Json, at: number): Input {
  const told = body as Told
  switch (told.type) {
    case 'settled':
      return {
        at,
        type: 'step.settled',
        step: told.step,
        outcome: told.outcome,
        ...(told.usage ? { usage: told.usage } : {}),
        ...taintField(told.taint),
      }
    case 'failed':
      return { at, ...refusalOf(told) }
    case 'asked':
      return {
        at,
        type: 'question.asked',
        step: told.step,
        wait: told.wait,
        question: told.question,
        ...(told.agent === undefined ? {} : { agent: told.agent }),
      }
    case 'requested': {
      const { step, wait, to, message, payload } = told
      const deadline = told.deadline === undefined ? {} : { deadline: told.deadline }
      return { at, type: 'request.made', step, wait, to, message, payload, ...deadline, ...taintField(told.taint) }
    }
    case 'charged':
      return { ...told, at, type: 'run.charged' }
    case 'command':
      return { ...told.order, at }
    case 'timer':
      return { at, type: 'timer', name: told.name }
    case 'pause':
      return told.breakpoint
        ? { at, type: 'pause', by: 'breakpoint', breakpoint: told.breakpoint }
        : { at, type: 'pause', by: 'parent' }
    case 'continue':
      return { at, type: 'continue', by: 'parent', ...(told.steps === undefined ? {} : { steps: told.steps }) }
    case 'break':
      return { at, type: 'break', by: 'parent', breakOn: told.breakOn }
    default:
      throw failure('invariant.broken', { rule: 'what is put into the inbox of a run is known to this release' })
  }
}

/** A step whose budget was refused by the storage did not fail: the run's guard tripped. */
function refusalOf({ step, error, usage, taint }: Told & { readonly type: 'failed' }) {
  const more = { ...(usage ? { usage } : {}), ...taintField(taint) }
  const { budget, limit = 0, used } = (error.details ?? {}) as { budget?: string; limit?: number; used?: number }
  if (error.code === 'budget.exceeded' && budget !== undefined) {
    // What was used of tokens and cost the run knows best: a refused reservation has not looked.
    const known = budget === 'tokens' || budget === 'cost' || used === undefined ? {} : { used }
    return { type: 'budget.refused' as const, step, budget, limit, ...known, ...more }
  }
  return { type: 'step.failed' as const, step, error, ...more }
}
