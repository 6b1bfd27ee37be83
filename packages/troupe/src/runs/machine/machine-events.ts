/**
 * The words of the core: what comes in (inputs, as the run's journal records them), what is decided (events, facts
 * that hold all that `evolve` needs), and what the shell has to carry out (commands, with derived ids).
 *
 * Ids are run-relative and derived. A branch: `1` (the first entry), `1/3.2` (the second target of what branch `1`
 * decided in its third step), `1@D.1` (the first meeting at D of the scope `1`). A step: `BRANCH#n`. A step that serves
 * a request: `STEP>wait`. A question: `STEP?wait`, `BRANCH?n` (a value sent to User), `BRANCH!n` (what to
 * do about a failure).
 */

import type { CarriedHistory, Outcome, Question } from '../../agents/index.ts'
import type { Json, StoredError } from '../../core/index.ts'
import type { BreakOn, FailurePolicy, Join } from '../../topology/index.ts'
import type {
  AnswerTo,
  BranchAgent,
  BranchOrigin,
  Breakpoint,
  BudgetGranted,
  BudgetRejected,
  BudgetRequested,
  Cancellation,
  ChildChanged,
  ChildrenCancelled,
  ClockJumped,
  Guard,
  Pinned,
  QuestionRef,
  Result,
  RunCharged,
  RunWaiting,
  StepUsage,
  Tainted,
} from './result.ts'

export type { Command } from './command.ts'
export type {
  Amounts,
  AnswerTo,
  BranchOrigin,
  Breakpoint,
  Cancellation,
  Guard,
  Pinned,
  QuestionRef,
  Result,
  RunCharged,
  StepUsage,
} from './result.ts'

export type BranchId = string
export type StepId = string
export type JoinId = string
export type QuestionId = string

export type WaitReason = 'parked' | 'uncertain' | 'code.changed' | 'breakpoint'

/** Everything that can happen to a run. `at` is ms since 1970, and never goes back within a run. */
export type Input = { readonly at: number } & (
  | ({ readonly type: 'start'; readonly task: Json; readonly pinned: Pinned } & Tainted)
  /** The step's outcome. Exactly one of `step.returned` and `step.failed` arrives for a step, recalled ones included. */
  | ({
      readonly type: 'step.returned'
      readonly step: StepId
      readonly outcome: Outcome
      readonly usage?: StepUsage
    } & Tainted)
  /** A recalled step answers with `cancelled`. A guard of the step's own: `error.code` is `guard.tripped`. */
  | ({
      readonly type: 'step.failed'
      readonly step: StepId
      readonly error: StoredError
      readonly usage?: StepUsage
    } & Tainted)
  /** `parked`: all its calls are waits. `detail` says what for; the problem, the effect. */
  | {
      readonly type: 'step.waiting'
      readonly step: StepId
      readonly reason: WaitReason
      readonly detail?: Json
      /** The child runs that a parked step waits for. */
      readonly children?: readonly string[]
      /** What the step has used so far. */
      readonly usage?: StepUsage
    }
  /** A waiting step is carried out again without an answer of ours: a reply came, an effect was settled. */
  | { readonly type: 'step.resumed'; readonly step: StepId }
  /** `agent`: who asks, where that is one that helps the agent of the step. */
  | {
      readonly type: 'question.asked'
      readonly step: StepId
      readonly wait: string
      readonly question: Question
      readonly agent?: string
    }
  /** Checked with `checkAnswer` before it is appended; an answer that does not fit changes nothing. */
  | ({
      readonly type: 'question.answered'
      readonly question: QuestionId
      readonly value: Json
      readonly by: string
    } & Tainted)
  | ({
      readonly type: 'request.made'
      readonly step: StepId
      readonly wait: string
      readonly to: string
      /** Of the message. */
      readonly message: string
      readonly payload: Json
      /** ms since 1970. */
      readonly deadline?: number
    } & Tainted)
  | { readonly type: 'timer'; readonly name: string }
  /** The first record of a process that takes the run over. The time since the last record is a gap. */
  | { readonly type: 'run.claimed' }
  | ClockJumped
  | ChildChanged
  | BudgetGranted
  | RunCharged
  | { readonly type: 'cancel'; readonly by: string }
  /** `breakpoint`: of a run that a step started, which has come to it. */
  | { readonly type: 'pause'; readonly by: string; readonly breakpoint?: Breakpoint }
  /** Where it stops from now on. */
  | { readonly type: 'break'; readonly breakOn: readonly BreakOn[]; readonly by: string }
  /** `steps`: so many are begun, then it stops again. */
  | { readonly type: 'resume'; readonly by: string; readonly steps?: number }
  /** What a step gives instead of the failure that a breakpoint holds. */
  | { readonly type: 'step.edited'; readonly step: StepId; readonly outcome: Outcome; readonly by: string }
  /** What a branch whose step has not begun is given instead. */
  | { readonly type: 'branch.edited'; readonly branch: BranchId; readonly input: Json; readonly by: string }
  | BudgetRejected
  | ChildrenCancelled
)

/** How a step ended. */
export type StepEnding = ({ readonly outcome: Outcome } | { readonly error: StoredError }) & {
  readonly usage?: StepUsage
} & Tainted

export type Event = { readonly at: number } & (
  | ({ readonly type: 'run.started'; readonly task: Json; readonly pinned: Pinned } & Tainted)
  | BudgetRequested
  | BudgetGranted
  | RunCharged
  | {
      readonly type: 'branch.started'
      readonly branch: BranchId
      /** Absent for entries. */
      readonly parent?: BranchId
      readonly group: string
      /** Present where the branch is the first of its scope. */
      readonly origin?: BranchOrigin
      readonly node: string
      readonly agent: string
      readonly depth: number
      /** Where results of this branch stand among others: the order of invocation. */
      readonly order: readonly number[]
      /** Absent where it is what has met at `meets`. */
      readonly input?: Json
      readonly meets?: JoinId
      /** Index of the edge that was taken. */
      readonly edge?: number
      /** The agent that a value at User came from, or that failed. */
      readonly from?: string
    }
  /** The branch goes on at another node, or at the same one anew. */
  | {
      readonly type: 'branch.moved'
      readonly branch: BranchId
      readonly node: string
      readonly agent: string
      /** Absent where it is what has met at `meets`, or the same as before. */
      readonly input?: Json
      readonly history?: CarriedHistory
      readonly meets?: JoinId
      readonly edge?: number
      readonly from?: string
      /** Counted from 1; more where the step before failed and is tried again. */
      readonly attempt?: number
      /** Not before this timer has come. */
      readonly after?: string
      /** Stands in for an agent that failed. */
      readonly substitute?: true
    }
  | {
      readonly type: 'branch.completed'
      readonly branch: BranchId
      readonly agent: string
      /** ended: the value is a response of its scope. arrived: it stands at a barrier. split: others go on for it. */
      readonly as: 'ended' | 'arrived' | 'split'
      readonly value?: Json
    }
  | {
      readonly type: 'branch.failed'
      readonly branch: BranchId
      readonly agent: string
      readonly error: StoredError
      /** A person said to go on without it: no join counts it as a failure. */
      readonly errorHandled?: true
    }
  | {
      readonly type: 'branch.cancelled'
      readonly branch: BranchId
      readonly agent: string
      readonly error: StoredError
    }
  /** It is to stop; its step, where one runs, is awaited. */
  | { readonly type: 'branch.cancel-requested'; readonly branch: BranchId; readonly cancellation: Cancellation }
  /** A scope goes down with this error once its branches have stopped. */
  | {
      readonly type: 'group.failed'
      readonly group: string
      readonly error: StoredError
      /** Somebody decided so: no join forgives it. */
      readonly fatal?: true
    }
  | {
      readonly type: 'step.started'
      readonly step: StepId
      readonly branch: BranchId
      readonly node: string
      readonly agent: string
      readonly attempt: number
    }
  | ({
      readonly type: 'step.completed'
      readonly step: StepId
      readonly branch: BranchId
      readonly agent: string
      readonly outcome: Outcome
      readonly usage?: StepUsage
      /** Of node, input and outcome: whether the branch has been here before. */
      readonly progressHash?: string
    } & Tainted)
  | ({
      readonly type: 'step.failed'
      readonly step: StepId
      readonly branch: BranchId
      readonly agent: string
      readonly error: StoredError
      readonly usage?: StepUsage
    } & Tainted)
  | ({
      readonly type: 'step.waiting'
      readonly step: StepId
      readonly branch: BranchId
      readonly agent: string
      readonly reason: WaitReason
      readonly detail?: Json
      /** The child runs that a parked step waits for. */
      readonly children?: readonly string[]
      readonly usage?: StepUsage
    } & Tainted)
  | { readonly type: 'step.resumed'; readonly step: StepId; readonly branch: BranchId; readonly agent: string }
  /** Told to stop; it settles or fails all the same. */
  | {
      readonly type: 'step.cancel-requested'
      readonly step: StepId
      readonly branch: BranchId
      readonly agent: string
      readonly cancellation: Cancellation
    }
  | {
      readonly type: 'join.opened'
      readonly joinId: JoinId
      readonly kind: 'fork' | 'merge'
      /** Of a fork: the branch that waits. */
      readonly branch?: BranchId
      readonly group: string
      readonly node: string
      readonly agent: string
      readonly join: Join
      readonly onFailure: FailurePolicy
      /** Of a fork: in order of invocation. */
      readonly slots: readonly { readonly agent: string }[]
    }
  | {
      readonly type: 'join.arrived'
      readonly joinId: JoinId
      /** Of a fork. */
      readonly slot?: number
      readonly branch?: BranchId
      readonly order: readonly number[]
      readonly depth: number
      readonly result: Result
      readonly fatal?: true
      readonly errorHandled?: true
      /** Of a meeting: index of the edge that was taken. */
      readonly edge?: number
    }
  | {
      readonly type: 'join.completed'
      readonly joinId: JoinId
      readonly branch: BranchId
      readonly agent: string
      readonly satisfied: boolean
      readonly arrived: number
      readonly missing: number
      /** Why it goes down, where it was not met. */
      readonly error?: StoredError
    }
  /** The branch that waited goes on, or goes down, now that the losers have stopped. */
  | { readonly type: 'join.closed'; readonly joinId: JoinId }
  | {
      readonly type: 'question.asked'
      readonly question: QuestionId
      readonly branch: BranchId
      readonly agent: string
      readonly step?: StepId
      readonly wait?: string
      /** What failed, where the question is what to do about it. */
      readonly failed?: StoredError
      readonly ask: Question
    }
  | ({ readonly type: 'question.answered'; readonly value: Json; readonly by: string } & QuestionRef & Tainted)
  | ({ readonly type: 'question.expired' } & QuestionRef)
  | ({ readonly type: 'question.withdrawn' } & QuestionRef)
  | ({ readonly type: 'answer.delivered' } & AnswerTo)
  /** The run is paused, and the step that waits for it is not entered before it goes on. */
  | ({ readonly type: 'answer.deferred' } & AnswerTo)
  | ({
      readonly type: 'request.made'
      /** The step that serves it. */
      readonly step: StepId
      readonly branch: BranchId
      readonly node: string
      readonly agent: string
      readonly depth: number
      readonly from: StepId
      readonly fromAgent: string
      readonly wait: string
      readonly message: string
      readonly payload: Json
      /** How long the asking step waits for the reply. */
      readonly timeoutMs?: number
    } & Tainted)
  | { readonly type: 'guard.tripped'; readonly guard: Guard }
  /** All that runs is to stop, and is awaited; then the run ends so, or begins anew. */
  | {
      readonly type: 'run.cancel-requested'
      readonly cancellation: Cancellation
      readonly guard?: Guard
      readonly by?: string
    }
  | { readonly type: 'run.retried'; readonly attempt: number; readonly after: string; readonly error: StoredError }
  | { readonly type: 'run.paused'; readonly by: string; readonly breakpoint?: Breakpoint }
  | { readonly type: 'run.resumed'; readonly by: string; readonly steps?: number }
  | { readonly type: 'run.breakpoints-set'; readonly breakOn: readonly BreakOn[]; readonly by: string }
  | RunWaiting
  /** Clocks of work do not count the `gap` since the event before, in ms. */
  | { readonly type: 'run.claimed'; readonly gap: number }
  | ClockJumped
  | (ChildChanged & BranchAgent)
  | ChildrenCancelled
  | { readonly type: 'run.completed'; readonly value: Json }
  | { readonly type: 'run.failed'; readonly error: StoredError; readonly guard?: Guard; readonly partial?: Json }
  | { readonly type: 'run.cancelled'; readonly by: string; readonly partial?: Json }
  /** `due`: ms since 1970; a later gap moves it, except that of a question. */
  | { readonly type: 'timer.set'; readonly name: string; readonly due: number }
  /** `remainingMs`: the clock is stopped with so many ms left. */
  | { readonly type: 'timer.cleared'; readonly name: string; readonly remainingMs?: number }
)

export type EventType = Event['type']
export type EventOf<T extends EventType> = Extract<Event, { readonly type: T }>
export type InputOf<T extends Input['type']> = Extract<Input, { readonly type: T }>
