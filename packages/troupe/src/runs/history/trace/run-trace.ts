/** The trace of a run, as a tracer returns it. */
import type { Json, StoredError } from '../../../core/index.ts'
import type { ExecutedStep } from '../steps/steps-of.ts'

/** A value that one agent passed to another one. */
export interface Interaction {
  /** The `seq` of the event. */
  readonly seq: number
  /** The name of the agent that passed the value, or `User`. */
  readonly from: string
  /** The name of the agent that got the value, or `User`. */
  readonly to: string
  /**
   * How the value was passed: the type of the edge, a result of an invocation, a request or its reply, or a question or
   * its answer.
   */
  readonly kind: 'invoke' | 'notify' | 'query' | 'stream' | 'result' | 'request' | 'reply' | 'question' | 'answer'
  /** The value that was passed; absent if `messages` is false. */
  readonly value?: Json
}
/** An error of a run. */
export interface TracedError {
  /** The `seq` of the event. */
  readonly seq: number
  /** The name of the agent, or `run` for an error of the run. */
  readonly agent: string
  /** The id of the step; absent for an error of a branch or of the run. */
  readonly step?: string
  /** The error. */
  readonly error: StoredError
}
/** The state of the branches at the start or end of a step. */
export interface CapturedState {
  /** The `seq` of the event. */
  readonly seq: number
  /** The agent and the status of each branch, by branch. */
  readonly branches: {
    readonly [branch: string]: {
      /** The name of the agent at its node. */
      readonly agent: string
      /** The status of the branch. */
      readonly status: string
    }
  }
  /** The number of steps so far. */
  readonly totalSteps: number
}
/** The trace of a run. */
export interface Trace {
  /** The steps in the order of their start. */
  readonly executionPath: readonly ExecutedStep[]
  /** The interactions of the agents in their order. */
  readonly interactions: readonly Interaction[]
  /** The errors in their order. */
  readonly errors: readonly TracedError[]
  /** The states at each start and end of a step; empty unless the option `states` is true. */
  readonly states: readonly CapturedState[]
}
