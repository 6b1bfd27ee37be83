/** The trace of a run, as a tracer returns it. */
import type { Json, StoredError } from '../../../core/index.ts'
import type { ExecutedStep } from '../steps/steps-of.ts'

export interface Interaction {
  readonly seq: number
  readonly from: string
  readonly to: string
  readonly kind: 'invoke' | 'notify' | 'query' | 'stream' | 'result' | 'request' | 'reply' | 'question' | 'answer'
  /** The value that was passed; absent if `messages` is false. */
  readonly value?: Json
}
export interface TracedError {
  readonly seq: number
  readonly agent: string
  readonly step?: string
  readonly error: StoredError
}
export interface CapturedState {
  readonly seq: number
  /** The agent and the status of each branch, by branch. */
  readonly branches: { readonly [branch: string]: { readonly agent: string; readonly status: string } }
  readonly totalSteps: number
}
export interface Trace {
  readonly executionPath: readonly ExecutedStep[]
  readonly interactions: readonly Interaction[]
  readonly errors: readonly TracedError[]
  readonly states: readonly CapturedState[]
}
