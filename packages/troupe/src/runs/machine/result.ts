/** What inputs and events tell of: values of their own, without an id. */
import type { Json, StoredError, TaintLabel } from '../../core/index.ts'

/** What a step used; `cost` in US dollars, `unknown` the models whose price nobody knows. */
export type StepUsage = {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cost?: number
  readonly unknown?: readonly string[]
}

/** What a value came with, where it came with any: no part of what is decided, and carried to all that follows. */
export type Tainted = {
  readonly taint?: readonly TaintLabel[]
}

/** One invocation's result as the meeting agent sees it. */
export type Result = {
  readonly agent: string
  readonly success: boolean
  readonly value?: Json
  readonly error?: StoredError
  /** What it was asked; for the agents of patterns, which keep no memory. Not in the input of the meeting agent. */
  readonly request?: Json
}

export type Guard = {
  readonly name: string
  readonly limit: number
  readonly used: number
  readonly detail?: string
}

/** Why a branch, a step or the run is being stopped. */
export type Cancellation = {
  readonly as: 'cancelled' | 'failed'
  readonly error: StoredError
}

/** To a step, for one of its waits. */
export type AnswerTo = {
  readonly step: string
  readonly branch: string
  readonly agent: string
  readonly wait: string
  readonly answer: { readonly value: Json } | { readonly error: StoredError }
} & Tainted

/** What a run that a step is about to start may take counts as taken, until it ends and says what it took. */
export type RunBudgetReserved = {
  readonly type: 'run.budget-reserved'
  readonly run: string
  readonly step: string
  readonly steps: number
  readonly hops: number
  /** Held before and never started: the step was cut off. */
  readonly instead: readonly string[]
}

export type RunCharged = {
  readonly type: 'run.charged'
  readonly run: string
  /** The run for which this one holds, where it is another: the one that is tried again in `run`. */
  readonly reservedBy?: string
  readonly steps: number
  readonly hops?: number
  readonly usage: StepUsage
}

/** Why nothing in a run can move. */
export type RunReason = 'question' | 'paused' | 'breakpoint' | 'uncertain' | 'code.changed'

/**
 * Nothing in the run can move. Recorded when a decision leaves the run waiting that did not wait before, and when the
 * reason or the set of open questions changes.
 */
export type RunWaiting = {
  readonly type: 'run.waiting'
  readonly reason: RunReason
  /** The ids of all open questions, in the order in which they were asked. */
  readonly questions: readonly string[]
}
