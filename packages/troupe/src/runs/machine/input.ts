/** The inputs of the core, as the journal of the run records them. */
import type { Outcome, Question } from '../../agents/index.ts'
import type { Json, StoredError } from '../../core/index.ts'
import type { BreakOn } from '../../topology/index.ts'
import type {
  BranchId,
  Breakpoint,
  BudgetGranted,
  BudgetRejected,
  ChildChanged,
  ChildrenCancelled,
  ClockJumped,
  Pinned,
  QuestionId,
  RunCharged,
  StepId,
  StepUsage,
  Tainted,
  Tripped,
  WaitReason,
} from './result.ts'

/** Everything that can happen to a run. `at` is the time in ms since 1970, which never decreases within a run. */
export type Input = { readonly at: number } & (
  | ({ readonly type: 'start'; readonly task: Json; readonly pinned: Pinned } & Tainted)
  /**
   * The outcome of a step. Exactly one of `step.returned` and `step.failed` arrives for each step, cancelled ones
   * included.
   */
  | ({
      readonly type: 'step.returned'
      readonly step: StepId
      readonly outcome: Outcome
      readonly usage?: StepUsage
    } & Tainted &
      Tripped)
  /** A cancelled step fails with `cancelled`, and one that its own guard ended with `guard.tripped`. */
  | ({
      readonly type: 'step.failed'
      readonly step: StepId
      readonly error: StoredError
      readonly usage?: StepUsage
    } & Tainted &
      Tripped)
  /** `parked`: all its open calls are waits. `detail` is the uncertain effect, or why its code does not fit its journal. */
  | (Tripped & {
      readonly type: 'step.waiting'
      readonly step: StepId
      readonly reason: WaitReason
      readonly detail?: Json
      /** The child runs that a parked step waits for. */
      readonly children?: readonly string[]
      /** What the step has used so far. */
      readonly usage?: StepUsage
    })
  /** A waiting step executes again without an answer of the core: a reply arrived, or an effect was resolved. */
  | { readonly type: 'step.resumed'; readonly step: StepId }
  /** `agent`: the agent that asks, if it is a helper of the agent of the step. */
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
      /** The name of the message type. */
      readonly message: string
      readonly payload: Json
      /** The time until which the step waits for the reply, in ms since 1970. */
      readonly deadline?: number
    } & Tainted)
  | { readonly type: 'timer'; readonly name: string }
  /** The first record of a process that has claimed the run. The time since the last record is a gap. */
  | { readonly type: 'run.claimed' }
  | ClockJumped
  | ChildChanged
  | BudgetGranted
  | RunCharged
  | { readonly type: 'cancel'; readonly by: string }
  /** `breakpoint`: the breakpoint of a child run that has reached it. */
  | { readonly type: 'pause'; readonly by: string; readonly breakpoint?: Breakpoint }
  /** Replaces the breakpoints. */
  | { readonly type: 'break'; readonly breakOn: readonly BreakOn[]; readonly by: string }
  /** `steps`: the number of steps that start before the run pauses again. */
  | { readonly type: 'resume'; readonly by: string; readonly steps?: number }
  /** The outcome that replaces a failure which a breakpoint holds. */
  | { readonly type: 'step.edited'; readonly step: StepId; readonly outcome: Outcome; readonly by: string }
  /** Replaces the input of a branch whose step has not started. */
  | { readonly type: 'branch.edited'; readonly branch: BranchId; readonly input: Json; readonly by: string }
  | BudgetRejected
  | ChildrenCancelled
)

export type InputOf<T extends Input['type']> = Extract<Input, { readonly type: T }>
/** An input or an event without its time, which is set when the run accepts or records it. */
export type Untimed<Timed> = Timed extends unknown ? Omit<Timed, 'at'> : never
