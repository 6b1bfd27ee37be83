/** The events of runs, from which `EventPayloads` is composed. */
import type {
  BranchFields,
  CalledFields,
  EndFields,
  FailedFields,
  JoinFields,
  OfRunFields,
  QuestionFields,
  RunFields,
  StepEndFields,
  StepFields,
} from './event-fields.ts'

/** The fields of the events of runs: of their branches, steps, joins, questions and budgets. */
export interface RunEventPayloads {
  /** An answer arrived while its run was paused; the step receives it when the run resumes. */
  'answer.deferred': StepFields
  /** An answer was delivered to a waiting step. */
  'answer.delivered': StepFields
  /** Cancellation of a branch was requested; its step cleans up. */
  'branch.cancel-requested': RunFields & {
    /** The id of the branch. */
    readonly branch: string
  }
  /** A branch was cancelled. */
  'branch.cancelled': BranchFields & EndFields
  /** A branch completed. */
  'branch.completed': BranchFields &
    EndFields & {
      /** `ended`: with a response; `arrived`: at a join; `split`: into other branches. */
      readonly as: 'ended' | 'arrived' | 'split'
    }
  /** A branch failed. */
  'branch.failed': BranchFields & EndFields
  /** A branch moved to another node, or retries the same one. */
  'branch.moved': BranchFields & {
    /** The node to which the branch moved. */
    readonly node: string
    /** The attempt, counted from 1; present if the branch retries a failed step. */
    readonly attempt?: number
  }
  /** A branch started. */
  'branch.started': BranchFields & {
    /** The node at which the branch starts. */
    readonly node: string
  }
  /** A run was granted a part of the budget that it has in common with other runs of its tree. */
  'budget.granted': RunFields
  /** A run asked for a part of the budget that it has in common with other runs of its tree. */
  'budget.requested': RunFields
  /** Something in a child run that waited can move. */
  'child.resumed': StepFields & {
    /** The id of the child run. */
    readonly child: string
  }
  /** A child run waits: nothing in it can move until a person, a resolution or new code moves it. */
  'child.waiting': StepFields & {
    /** The id of the child run. */
    readonly child: string
    /** What the child run waits for. */
    readonly reason: 'question' | 'paused' | 'breakpoint' | 'uncertain' | 'code.changed'
    /** The ids of the open questions of the child run. */
    readonly questions: readonly string[]
  }
  /** A process was suspended together with a run; the clocks of the run do not count the suspension. */
  'clock.jumped': RunFields & {
    /** For how long the process was suspended, in ms. */
    readonly gap: number
  }
  /** A group of branches failed; its open branches are cancelled. */
  'group.failed': RunFields
  /** A run reached the limit of a guard or a budget. */
  'guard.tripped': RunFields & {
    /** The name of the guard: `steps`, `cost`, `repetition`, `deadlock`, … */
    readonly guard: string
    /** The limit: a count, US dollars for `cost`, ms for `time`. */
    readonly limit: number
    /** The value that reached the limit, in the same unit. */
    readonly used: number
  }
  /** A branch arrived at a join. */
  'join.arrived': JoinFields & {
    /** The id of the branch; absent if the branch failed on its way, or a request was sent to the node. */
    readonly branch?: string
  }
  /** The branch that waited at a join continues or fails. */
  'join.closed': JoinFields
  /** A join was satisfied, or can no longer be satisfied. */
  'join.completed': JoinFields & BranchFields
  /** A join opened, at which branches will meet. */
  'join.opened': JoinFields & {
    /**
     * `fork`: a join of the branches that one branch started; `merge`: a join of the branches whose edges meet at the
     * node.
     */
    readonly kind: 'fork' | 'merge'
    /** The branch that waits; present for a `fork`. */
    readonly branch?: string
    /** The node that continues after the join. */
    readonly node: string
    /** The agent of that node. */
    readonly agent: string
  }
  /** A question was answered by a person or by its default. */
  'question.answered': QuestionFields
  /** A run asked a person a question. */
  'question.asked': QuestionFields & {
    /** The kind of the question. */
    readonly kind: 'question' | 'choice' | 'confirmation' | 'draft' | 'approval' | 'error' | 'breakpoint'
  }
  /** A question expired without an answer. */
  'question.expired': QuestionFields
  /** A question was withdrawn. */
  'question.withdrawn': QuestionFields
  /** An agent of a run sent a request to another agent of the run. */
  'request.made': StepFields & {
    /** The node of the step that serves the request. */
    readonly node: string
  }
  /** The breakpoints of a run were replaced. */
  'run.breakpoints-set': RunFields
  /** Cancellation of a run was requested; its steps clean up. */
  'run.cancel-requested': RunFields
  /** A run was cancelled. */
  'run.cancelled': RunFields & EndFields
  /** All child runs of a run that is being cancelled are over. */
  'children.cancelled': RunFields
  /** A run was charged with the usage of a child run. */
  'run.charged': RunFields
  /** A process took a run over; its clocks do not count the time since the event before. */
  'run.claimed': RunFields & {
    /** The time since the event before, in ms. */
    readonly gap: number
  }
  /** A run completed. */
  'run.completed': RunFields & EndFields
  /** A run failed. */
  'run.failed': RunFields & FailedFields & EndFields
  /** A run was paused; steps in progress finish, no new step starts. */
  'run.paused': RunFields
  /** A paused run was resumed. */
  'run.resumed': RunFields
  /** A failed run starts its next attempt. */
  'run.retried': RunFields & {
    /** The number of the attempt that follows; the first attempt is 1. */
    readonly attempt: number
  }
  /** A run started. */
  'run.started': RunFields
  /** A run waits: nothing in it can move until a person, a resolution or new code moves it. */
  'run.waiting': RunFields & {
    /** What the run waits for, as `reason` of its result. */
    readonly reason: 'question' | 'paused' | 'breakpoint' | 'uncertain' | 'code.changed'
    /** The ids of the open questions. */
    readonly questions: readonly string[]
  }
  /** Cancellation of a step was requested. */
  'step.cancel-requested': StepFields
  /** A step completed. */
  'step.completed': StepFields & StepEndFields
  /** A step failed. */
  'step.failed': StepFields & FailedFields & StepEndFields
  /** A process released a step, because the step ended or waits. */
  'step.released': CalledFields &
    EndFields & {
      /** The journal of the step. */
      readonly stepId: string
      /** The agent of the step. */
      readonly agent: string
      /** How the step left the process: it ended, waits, or lost its journal to another process. */
      readonly status:
        | 'completed'
        | 'failed'
        | 'parked'
        | 'uncertain'
        | 'code.changed'
        | 'lost'
        | 'cancelled'
        | 'crashed'
      /** The type of the message that the step handles; absent for a step of a run. */
      readonly messageType?: string
    }
  /** A waiting step continues. */
  'step.resumed': StepFields
  /** A step started. */
  'step.started': StepFields & {
    /** The node of the step. */
    readonly node: string
    /** Counted from 1. */
    readonly attempt: number
  }
  /** A step waits, without occupying a process. */
  'step.waiting': StepFields & {
    /** `parked`: for an answer, a reply or a child run. */
    readonly reason: 'parked' | 'uncertain' | 'code.changed' | 'breakpoint'
  }
  /** A timer of a run was stopped or removed. */
  'timer.cleared': RunFields
  /** A timer of a run was set. */
  'timer.set': RunFields
  /** The tokens and the cost of a run in progress were stored, and lists show them. */
  'usage.stored': OfRunFields & {
    /** The input tokens of the run so far, with those of its child runs that ended. */
    readonly inputTokens: number
    /** The output tokens of the run so far. */
    readonly outputTokens: number
    /** US dollars so far, without models whose price is unknown. */
    readonly cost: number
  }
}
