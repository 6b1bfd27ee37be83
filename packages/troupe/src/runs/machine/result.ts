/** What inputs and events tell of: values of their own, without an id. */
import type { Json, StoredError, TaintLabel } from '../../core/index.ts'
import type { CanonicalTopology, PinnedConfig } from '../../topology/index.ts'
import type { BudgetUse } from './budgets/budget-use.ts'

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
  readonly detail?: string
} & BudgetUse

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

/** An answer to something that a step has asked. */
export type StepAnswer = Omit<AnswerTo, 'branch' | 'agent'>

/** Steps, hops and open branches: what the runs of one tree draw from a common budget. */
export type Amounts = {
  readonly steps: number
  readonly hops: number
  readonly branches: number
}

/** A run that draws from a common budget cannot begin a step before it is granted this. */
export type BudgetRequested = { readonly type: 'budget.requested' } & Amounts

/** From the first grant on, a run begins no step and keeps no branch beyond what it was granted. */
export type BudgetGranted = { readonly type: 'budget.granted' } & Amounts

export type BudgetRejected = {
  readonly type: 'budget.rejected'
  /** Absent: of what the run itself asked for. */
  readonly step?: string
  readonly budget: string
  /** `used` is absent: what the run is known to have used. */
  readonly limit: number
  /** What the step had used until then. */
  readonly usage?: StepUsage
} & Partial<BudgetUse> &
  Tainted

/** A run that a step started has ended: what it used counts in this one. */
export type RunCharged = {
  readonly type: 'run.charged'
  readonly run: string
  readonly steps: number
  readonly hops?: number
  readonly usage: StepUsage
}

/** Why nothing in a run can move. */
export type RunReason = 'question' | 'paused' | 'breakpoint' | 'uncertain' | 'code.changed'

/** The branch and the agent that an event about one of their steps concerns. */
export type BranchAgent = {
  readonly branch: string
  readonly agent: string
}

/** Nothing in a child run of a step can move; reported again when the reason or the open questions change. */
type ChildWaiting = {
  readonly type: 'child.waiting'
  readonly child: string
  readonly step: string
  readonly reason: RunReason
  /** The ids of the open questions of the child run. */
  readonly questions: readonly string[]
  /** What the child run has used so far: part of what its parent used until the child run ends. */
  readonly usage?: StepUsage
}

/** The process was suspended together with the run, for so many ms, or the wall clock was set forward. */
export type ClockJumped = {
  readonly type: 'clock.jumped'
  readonly gap: number
}

/** Something in a child run that waited can move. */
type ChildResumed = {
  readonly type: 'child.resumed'
  readonly child: string
  readonly step: string
}

/** All child runs of a run that is being cancelled are over, or were waited for long enough. */
export type ChildrenCancelled = {
  readonly type: 'children.cancelled'
}

/** What a child run reports to the run whose step started it. */
export type ChildChanged = ChildWaiting | ChildResumed

/**
 * Nothing in the run can move. Recorded when a decision leaves the run waiting that did not wait before, and when the
 * reason or the set of open questions changes.
 */
export type RunWaiting = {
  readonly type: 'run.waiting'
  readonly reason: RunReason
  /** The ids of all open questions, in the order in which they were asked; those of child runs behind, as `CHILD::ID`. */
  readonly questions: readonly string[]
}

/** How a branch's scope came to be: the branches that count together and end together. */
export type BranchOrigin =
  /** An invocation that returns: the end of the scope is the result of this slot. */
  | { readonly kind: 'call'; readonly joinId: string; readonly slot: number; readonly query?: true }
  /** Not awaited by anybody but the run. */
  | { readonly kind: 'notify' }
  | { readonly kind: 'run' }

/** Which question, and who asked it. */
export interface QuestionRef {
  readonly question: string
  readonly branch: string
  readonly agent: string
  readonly step?: string
}

/** Where a run stands still: before this step, before a call of this step, or with its failure. */
export type Breakpoint = {
  readonly on: 'error' | 'agent' | 'tool' | 'seq' | 'step'
  readonly step: string
  readonly agent: string
  /** A run that a step started, or one below it: there it is. */
  readonly run?: string
}

/** What a run depends on and that may change between releases: fixed when it starts. */
export type Pinned = {
  readonly topology: CanonicalTopology
  readonly config: PinnedConfig
  /** Of each agent in the topology, by name. */
  readonly fingerprints: { readonly [agent: string]: string }
  /** It draws its steps, hops and branches from a common budget from its start. */
  readonly draws?: true
  /** Whatever else the shell wants pinned: prices, policies. The core does not look at it. */
  readonly more?: Json
}
