/**
 * The events of the core: facts that hold everything that `evolve` needs. Inputs are in `input.ts`, commands to the shell in
 * `command.ts`.
 *
 * Ids are relative to the run and derived. A branch: `1` (the first entry), `1/3.2` (the second target of the third step of
 * branch `1`), `1@D.1` (the first join at node `D` of group `1`). A step: `BRANCH#n`. A step that serves a request:
 * `STEP>wait`. A question: `STEP?wait`, `BRANCH?n` (a value sent to `User`), `BRANCH!n` (the handling of a failure).
 */

import type { CarriedHistory, Outcome, Question } from '../../agents/index.ts'
import type { Json, StoredError } from '../../core/index.ts'
import type { BreakOn, FailurePolicy, Join } from '../../topology/index.ts'
import type {
  AnswerTo,
  BranchAgent,
  BranchId,
  BranchOrigin,
  Breakpoint,
  BudgetGranted,
  BudgetRequested,
  Cancellation,
  ChildChanged,
  ChildrenCancelled,
  ClockJumped,
  Guard,
  GuardrailTripped,
  JoinId,
  Pinned,
  QuestionId,
  QuestionRef,
  Result,
  RunCharged,
  RunWaiting,
  StepAgent,
  StepId,
  StepUsage,
  Tainted,
  TimerChanged,
  WaitReason,
} from './result.ts'

export type { Command } from './command.ts'
export type { Input, InputOf, Untimed } from './input.ts'
export type * from './result.ts'

/** A command of a person or of the application. */
type Commanded = {
  /** The source: `host` for the application, `parent` for the parent run, `breakpoint` or `timeout` for the run itself. */
  readonly by: string
}

/** The end of a step, as its events record it. */
type StepEnded = StepAgent & {
  /** The usage of the step; absent if it called no model. */
  readonly usage?: StepUsage
} & Tainted

/** An event of a run: a fact that changes its state. */
export type Event = {
  /** The time in ms since 1970. */
  readonly at: number
} & (
  | ({
      readonly type: 'run.started'
      /** The task. */
      readonly task: Json
      /** The parts that may change between releases, fixed for the run. */
      readonly pinned: Pinned
    } & Tainted)
  | BudgetRequested
  | BudgetGranted
  | RunCharged
  | (BranchAgent & {
      readonly type: 'branch.started'
      /** The id of the branch that started it; absent for entries. */
      readonly parent?: BranchId
      /** The id of its group: the branches that count together and end together. */
      readonly group: string
      /** Present if the branch is the first one of its group. */
      readonly origin?: BranchOrigin
      /** The name of its node. */
      readonly node: string
      /** The number of invocations above it. */
      readonly depth: number
      /** The position of its result among the others: the order of invocation. */
      readonly order: readonly number[]
      /** The input; absent if it is the results of the join `meets`. */
      readonly input?: Json
      /** The id of the join with whose results it starts. */
      readonly meets?: JoinId
      /** The index of the edge that was used. */
      readonly edge?: number
      /** The name of the node whose value was sent to `User`. */
      readonly from?: string
    })
  /** The branch continues at another node, or again at the same one. */
  | (BranchAgent & {
      readonly type: 'branch.moved'
      /** The name of the node. */
      readonly node: string
      /** The input; absent if it is the results of the join `meets`, or unchanged. */
      readonly input?: Json
      /** The part of the thread that a hand-off carries. */
      readonly history?: CarriedHistory
      /** The id of the join with whose results it continues. */
      readonly meets?: JoinId
      /** The index of the edge that was used. */
      readonly edge?: number
      /** The name of the node whose value was sent to `User`, or whose agent has failed. */
      readonly from?: string
      /** The number of the attempt; absent for the first one. */
      readonly attempt?: number
      /** The timer that ends the delay before the attempt. */
      readonly after?: string
      /** Present if the agent substitutes one that has failed. */
      readonly substitute?: true
    })
  | (BranchAgent & {
      readonly type: 'branch.completed'
      /** `ended`: the value is a response of its group. `arrived`: it is at a join. `split`: other branches continue. */
      readonly as: 'ended' | 'arrived' | 'split'
      /** The value; absent after `split`. */
      readonly value?: Json
    })
  | (BranchAgent & {
      readonly type: 'branch.failed'
      /** The error. */
      readonly error: StoredError
      /** A person decided to continue without the branch: no join counts it as a failure. */
      readonly errorHandled?: true
    })
  | (BranchAgent & {
      readonly type: 'branch.cancelled'
      /** Why it was cancelled. */
      readonly error: StoredError
    })
  /** The branch has to stop. If one of its steps executes, the step is awaited. */
  | {
      readonly type: 'branch.cancel-requested'
      /** The id of the branch. */
      readonly branch: BranchId
      /** Why it is stopped. */
      readonly cancellation: Cancellation
    }
  /** A group fails with this error once its branches have stopped. */
  | {
      readonly type: 'group.failed'
      /** The id of the group. */
      readonly group: string
      /** The error. */
      readonly error: StoredError
      /** A person decided so: no join tolerates the failure. */
      readonly fatal?: true
    }
  | (StepAgent & {
      readonly type: 'step.started'
      /** The name of the node. */
      readonly node: string
      /** The number of the attempt, from 1. */
      readonly attempt: number
    })
  | ({
      readonly type: 'step.completed'
      /** The outcome: a value, invocations, a hand-off or the end. */
      readonly outcome: Outcome
      /** The hash of node, input and outcome, by which the run recognises repetitions. */
      readonly progressHash?: string
    } & StepEnded)
  | ({
      readonly type: 'step.failed'
      /** The error. */
      readonly error: StoredError
    } & StepEnded)
  | ({
      readonly type: 'step.waiting'
      /** Why it waits. */
      readonly reason: WaitReason
      /** The uncertain effect, why its code does not fit its journal, or the calls for which a parked step waits. */
      readonly detail?: Json
      /** The ids of the child runs that a parked step waits for. */
      readonly children?: readonly string[]
    } & StepEnded)
  | ({ readonly type: 'step.resumed' } & StepAgent)
  /** The step has to stop; it completes or fails all the same. */
  | (StepAgent & {
      readonly type: 'step.cancel-requested'
      /** Why it is stopped. */
      readonly cancellation: Cancellation
    })
  | {
      readonly type: 'join.opened'
      /** The id of the join. */
      readonly joinId: JoinId
      /** `fork` for the invocations of one branch, `merge` for the branches of a group that meet at a node. */
      readonly kind: 'fork' | 'merge'
      /** The id of the branch that awaits its invocations; absent for a `merge`. */
      readonly branch?: BranchId
      /** The id of the group. */
      readonly group: string
      /** The name of the node. */
      readonly node: string
      /** The name of the agent that gets the results. */
      readonly agent: string
      /** The condition that completes it. */
      readonly join: Join
      /** What it does with failed branches. */
      readonly onFailure: FailurePolicy
      /** The invocations of a `fork`, in their order. */
      readonly slots: readonly {
        /** The name of the invoked agent. */
        readonly agent: string
      }[]
    }
  | {
      readonly type: 'join.arrived'
      /** The id of the join. */
      readonly joinId: JoinId
      /** The index of the invocation, for a `fork`. */
      readonly slot?: number
      /** The id of the branch that arrived, for a `merge`. */
      readonly branch?: BranchId
      /** The position of the result among the others. */
      readonly order: readonly number[]
      /** The number of invocations above the branch. */
      readonly depth: number
      /** The result. */
      readonly result: Result
      /** A person decided that the join fails with this result. */
      readonly fatal?: true
      /** A person decided to continue without the branch: the result is not a failure. */
      readonly errorHandled?: true
      /** The index of the edge that was used, for a `merge`. */
      readonly edge?: number
    }
  | (BranchAgent & {
      readonly type: 'join.completed'
      /** The id of the join. */
      readonly joinId: JoinId
      /** True if its condition was met. */
      readonly satisfied: boolean
      /** The number of results that have arrived. */
      readonly arrived: number
      /** The number of branches that are cancelled because they are not needed. */
      readonly missing: number
      /** The error with which it fails; absent if it does not fail. */
      readonly error?: StoredError
    })
  /** The waiting branch continues or fails, because the branches that were not needed have stopped. */
  | {
      readonly type: 'join.closed'
      /** The id of the join. */
      readonly joinId: JoinId
    }
  | (BranchAgent & {
      readonly type: 'question.asked'
      /** The id of the question. */
      readonly question: QuestionId
      /** The id of the step that asks; absent for a question of a branch without a step. */
      readonly step?: StepId
      /** The name of the wait within the step. */
      readonly wait?: string
      /** The failure that the question is about. */
      readonly failed?: StoredError
      /** The question. */
      readonly ask: Question
    })
  | ({
      readonly type: 'question.answered'
      /** The answer. */
      readonly value: Json
    } & Commanded &
      QuestionRef &
      Tainted)
  | ({ readonly type: 'question.expired' } & QuestionRef)
  | ({ readonly type: 'question.withdrawn' } & QuestionRef)
  | ({ readonly type: 'answer.delivered' } & AnswerTo)
  /** The run is paused, and the waiting step gets the answer when the run resumes. */
  | ({ readonly type: 'answer.deferred' } & AnswerTo)
  /** `step` is the step that serves the request. */
  | ({
      readonly type: 'request.made'
      /** The name of the node. */
      readonly node: string
      /** The number of invocations above the step. */
      readonly depth: number
      /** The id of the step that requests. */
      readonly from: StepId
      /** The name of the agent that requests. */
      readonly fromAgent: string
      /** The name of the wait of the requesting step. */
      readonly wait: string
      /** The name of the message type. */
      readonly message: string
      /** The payload of the request. */
      readonly payload: Json
      /** How long the requesting step waits for the reply, in ms; absent for no limit. */
      readonly timeoutMs?: number
    } & StepAgent &
      Tainted)
  | {
      readonly type: 'guard.tripped'
      /** The guard. */
      readonly guard: Guard
    }
  /** All steps have to stop and are awaited; then the run ends with this cancellation, or is retried. */
  | ({
      readonly type: 'run.cancel-requested'
      /** Why it is stopped. */
      readonly cancellation: Cancellation
      /** The guard that ends it. */
      readonly guard?: Guard
    } & Partial<Commanded>)
  | {
      readonly type: 'run.retried'
      /** The number of the attempt, from 2. */
      readonly attempt: number
      /** The timer that ends the delay before the attempt. */
      readonly after: string
      /** The error of the attempt before. */
      readonly error: StoredError
    }
  | ({
      readonly type: 'run.paused'
      /** The breakpoint that was reached; absent for a pause. */
      readonly breakpoint?: Breakpoint
    } & Commanded)
  | ({
      readonly type: 'run.resumed'
      /** The number of steps that start before the run pauses again; absent for no limit. */
      readonly steps?: number
    } & Commanded)
  | ({
      readonly type: 'run.breakpoints-set'
      /** The breakpoints, which replace the earlier ones. */
      readonly breakOn: readonly BreakOn[]
    } & Commanded)
  | RunWaiting
  | {
      readonly type: 'run.claimed'
      /** The time in ms since the event before, which does not count as work time. */
      readonly gap: number
    }
  | ClockJumped
  | (ChildChanged & BranchAgent)
  | ChildrenCancelled
  | {
      readonly type: 'run.completed'
      /** The response. */
      readonly value: Json
    }
  | {
      readonly type: 'run.failed'
      /** The error. */
      readonly error: StoredError
      /** The guard that ended it. */
      readonly guard?: Guard
      /** The response so far; absent for none. */
      readonly partial?: Json
    }
  | ({
      readonly type: 'run.cancelled'
      /** The response so far; absent for none. */
      readonly partial?: Json
    } & Commanded)
  | GuardrailTripped
  | TimerChanged
)

/** The name of an event. */
export type EventType = Event['type']
/** The event with a name. */
export type EventOf<T extends EventType> = Extract<Event, { readonly type: T }>
