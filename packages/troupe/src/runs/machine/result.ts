/** The values that inputs, events and commands share. */
import type { CarriedHistory, GuardrailTrip, Outcome } from '../../agents/index.ts'
import type { Json, StoredError, TaintLabel, UsageByModel } from '../../core/index.ts'
import type { CanonicalTopology, PinnedConfig } from '../../topology/index.ts'
import type { BudgetUse } from './budgets/budget-use.ts'

/** The id of a branch, such as `1` or `1/3.2`. */
export type BranchId = string
/** The id of a step: `BRANCH#n`, or `STEP>wait` for a step that serves a request. */
export type StepId = string
/** The id of a join, such as `1@D.1`. */
export type JoinId = string
/** The id of a question: `STEP?wait`, `BRANCH?n` or `BRANCH!n`. */
export type QuestionId = string

/** Why a step waits: for answers (`parked`), for a resolution, for code that fits its journal, or at a breakpoint. */
export type WaitReason = 'parked' | 'uncertain' | 'code.changed' | 'breakpoint'

/** The tokens and the cost of a step. */
export type StepUsage = {
  /**
   * The part of each model (`provider/model`), without the calls that a fork shares with its source; absent for child runs
   * and for steps that a fork shares.
   */
  readonly models?: UsageByModel
  /** The number of input tokens of all model calls. */
  readonly inputTokens: number
  /** The number of output tokens of all model calls. */
  readonly outputTokens: number
  /** The cost in US dollars of the model calls whose price is known; absent for none. */
  readonly cost?: number
  /** The models (`provider/model`) whose price is unknown; absent for none. */
  readonly unknown?: readonly string[]
}

/** The taint labels of a value. Decisions do not depend on them; derived values inherit them. */
export type Tainted = {
  /** The labels; absent for none. */
  readonly taint?: readonly TaintLabel[]
}

/** How a step ended. */
export type StepEnding = (
  | {
      /** The outcome of a completed step. */
      readonly outcome: Outcome
    }
  | {
      /** The error of a failed step. */
      readonly error: StoredError
    }
) & {
  /** The usage of the step; absent if it called no model. */
  readonly usage?: StepUsage
} & Tainted

/** The result of one invocation, as the join passes it to its agent. */
export type Result = {
  /** The name by which the agent, or the nested team, was invoked. */
  readonly agent: string
  /** True if the invocation succeeded. */
  readonly success: boolean
  /** The value; absent for a failed invocation. */
  readonly value?: Json
  /** The error; absent for a successful invocation. */
  readonly error?: StoredError
  /** The input of the invocation, for the agents of patterns. It is not part of the input of the joining agent. */
  readonly request?: Json
}

/** The guard or budget that ended a run, with its use. */
export type Guard = {
  /** The name of the guard or budget: `steps`, `tokens`, `repetition`. */
  readonly name: string
  /** The limit that was reached. */
  readonly limit: number
  /** What happened, as a part of a sentence; absent for a plain count. */
  readonly detail?: string
} & BudgetUse

/** Why a branch, a step or the run is stopped. */
export type Cancellation = {
  /** The status with which it ends. */
  readonly as: 'cancelled' | 'failed'
  /** The error with which it ends. */
  readonly error: StoredError
}

/** The answer to a wait of a step. */
export type AnswerTo = {
  /** The id of the step that waits. */
  readonly step: string
  /** The id of its branch. */
  readonly branch: string
  /** The name of its agent. */
  readonly agent: string
  /** The name of the wait within the step. */
  readonly wait: string
  /** The answer: a value or an error. */
  readonly answer:
    | {
        /** The value with which the wait resolves. */
        readonly value: Json
      }
    | {
        /** The error with which the wait rejects. */
        readonly error: StoredError
      }
} & Tainted

/** The answer to a wait of a step, as the state stores it. */
export type StepAnswer = Omit<AnswerTo, 'branch' | 'agent'>

/** The amounts that the runs of a tree draw from a common budget. */
export type Amounts = {
  /** The number of steps. */
  readonly steps: number
  /** The number of used edges. */
  readonly hops: number
  /** The number of open branches. */
  readonly branches: number
}

/** The run requests amounts from a common budget. It starts no step before they are granted. */
export type BudgetRequested = { readonly type: 'budget.requested' } & Amounts

/** The common budget has granted amounts. From the first grant on, the run starts no step and no branch beyond them. */
export type BudgetGranted = { readonly type: 'budget.granted' } & Amounts

/** The common budget, or that of the user, has rejected a request. */
export type BudgetRejected = {
  readonly type: 'budget.rejected'
  /** The id of the step that requested it; absent for a request of the run. */
  readonly step?: string
  /** The name of the budget. */
  readonly budget: string
  /** The limit. If `used` is absent, the use of the run is known from its state. */
  readonly limit: number
  /** The amount that the step requested; absent for a budget of steps, hops or branches. */
  readonly needed?: number
  /** The usage of the step until then. */
  readonly usage?: StepUsage
} & Partial<BudgetUse> &
  Tainted &
  Tripped

/** What guardrails did in a step so far. The run records those that it has not recorded. */
export type Tripped = {
  readonly trips?: readonly GuardrailTrip[]
}

/** A guardrail of an agent stopped or redacted content. `agent` is the agent of the step, or a helper of it. */
export type GuardrailTripped = StepAgent & {
  readonly type: 'guardrail.tripped'
  /** Identifies the check within the step. */
  readonly trip: string
  /** The name of the guardrail. */
  readonly guardrail: string
  /** Whether it checked an input or an output of the agent. */
  readonly direction: 'input' | 'output'
  /** `redact`: the step continued with redacted content. `ask`: a person decides. `stop`: the step of the agent failed. */
  readonly action: 'redact' | 'ask' | 'stop'
}

/** A timer of the run. */
export type TimerChanged =
  | {
      readonly type: 'timer.set'
      /** The name of the timer. */
      readonly name: string
      /** The time in ms since 1970. A later gap moves it, except for the timer of a question. */
      readonly due: number
    }
  | {
      readonly type: 'timer.cleared'
      /** The name of the timer. */
      readonly name: string
      /** The rest of a stopped clock in ms; absent for a timer that has ended. */
      readonly remainingMs?: number
    }

/** A child run has ended, and its usage counts in this run. */
export type RunCharged = {
  readonly type: 'run.charged'
  /** The id of the child run. */
  readonly run: string
  /** The number of its steps. */
  readonly steps: number
  /** The number of its used edges; absent if it is 0. */
  readonly hops?: number
  /** Its tokens and its cost. */
  readonly usage: StepUsage
}

/**
 * Why a run waits: for the answer to a question, for `resume()` after a pause or at a breakpoint, for the resolution of
 * an uncertain effect, or for code that fits its journal.
 */
export type RunReason = 'question' | 'paused' | 'breakpoint' | 'uncertain' | 'code.changed'

/** The branch that an event concerns, with its agent. */
export type BranchAgent = {
  /** The id of the branch. */
  readonly branch: string
  /** The name of the agent. */
  readonly agent: string
}

/** The step that an event concerns, with its branch and its agent. */
export type StepAgent = BranchAgent & {
  /** The id of the step. */
  readonly step: StepId
}

/** No step of a child run can continue. It is reported again when the reason or the open questions change. */
type ChildWaiting = {
  readonly type: 'child.waiting'
  /** The id of the child run. */
  readonly child: string
  /** The id of the step that started it. */
  readonly step: string
  /** The reason for which the child run waits. */
  readonly reason: RunReason
  /** The ids of the open questions of the child run. */
  readonly questions: readonly string[]
  /** What the child run has used so far: part of what its parent used until the child run ends. */
  readonly usage?: StepUsage
}

/** The process was suspended together with the run, or the wall clock was set forward. */
export type ClockJumped = {
  readonly type: 'clock.jumped'
  /** The time in ms that does not count as work time. */
  readonly gap: number
}

/** A child run that waited can continue. */
type ChildResumed = {
  readonly type: 'child.resumed'
  /** The id of the child run. */
  readonly child: string
  /** The id of the step that started it. */
  readonly step: string
}

/** All child runs of a run that is being cancelled have ended, or the wait for them has timed out. */
export type ChildrenCancelled = {
  readonly type: 'children.cancelled'
}

/** A child run of a step waits, or can move again. */
export type ChildChanged = ChildWaiting | ChildResumed

/**
 * Nothing in the run can move. Recorded when a decision leaves the run waiting that did not wait before, and when the
 * reason or the set of open questions changes.
 */
export type RunWaiting = {
  readonly type: 'run.waiting'
  /** Why the run waits. */
  readonly reason: RunReason
  /**
   * The ids of all open questions, in the order in which they were asked. A question of a child run is listed as
   * `CHILD::ID` after those of the run.
   */
  readonly questions: readonly string[]
}

/** How the group of a branch began: the branches that count together and end together. */
export type BranchOrigin =
  /** An invocation that returns: the end of the scope is the result of this slot. */
  | {
      readonly kind: 'call'
      /** The id of the join that gets the result of the group. */
      readonly joinId: string
      /** The index of the invocation in that join, from 0. */
      readonly slot: number
      readonly query?: true
      /** The nested team that answers the query, whichever of its agents ends it; absent for a single agent. */
      readonly team?: string
    }
  /** A notification: no caller waits for the result. */
  | { readonly kind: 'notify' }
  | { readonly kind: 'run' }

/** A question and the step or branch that asked it. */
export interface QuestionRef {
  /** The id of the question. */
  readonly question: string
  /** The id of the branch that asked. */
  readonly branch: string
  /** The name of the agent that asked. */
  readonly agent: string
  /** The id of the step that asked; absent for a question of a branch without a step. */
  readonly step?: string
}

/** A point at which a run is paused: before a step, before a tool call of a step, or with the failure of a step. */
export type Breakpoint = {
  /** The kind of the breakpoint; `step` for the end of `resume({ steps })`. */
  readonly on: 'error' | 'agent' | 'tool' | 'seq' | 'step'
  /** The id of the step. */
  readonly step: string
  /** The name of the agent of the step. */
  readonly agent: string
  /** The id of the child run, or of a run below it, that reached the breakpoint; absent for the run itself. */
  readonly run?: string
}

/** The thread of the user that a run continues, with one agent or one team. */
export type PinnedThread = {
  /** The id that the caller gave to the thread. */
  readonly threadId: string
  /** The name of the agent or of the team. */
  readonly name: string
  /**
   * `agent` for an agent alone, whose steps continue its messages, as in sessions; `team` if the end of the run appends the task
   * and the response.
   */
  readonly kind: 'agent' | 'team'
  /** The number of its messages at the start of the run. */
  readonly length: number
}

/** The parts of a run that may change between releases, fixed when the run starts. */
export type Pinned = {
  /** The topology in its canonical form. */
  readonly topology: CanonicalTopology
  /** The configuration with all defaults. */
  readonly config: PinnedConfig
  /** The fingerprints of the agents in the topology, by name. */
  readonly fingerprints: { readonly [agent: string]: string }
  /** Present if the run draws its steps, hops and branches from a common budget from its start. */
  readonly draws?: true
  /** The thread of the user that the run continues; absent for a run without one, and in forks and retries. */
  readonly thread?: PinnedThread
  /** What the thread said before the run, for the entries of a team; an agent alone reads the thread in its steps. */
  readonly history?: CarriedHistory
  /** Other values that the shell pins, such as prices and policies. The core does not read them. */
  readonly more?: Json
}
