/** Open steps: their waits, their requests to other agents, their child runs, and the number of executing ones. */
import type { Flow } from '../../../agents/index.ts'
import type { Json, TaintLabel } from '../../../core/index.ts'
import { dict, emptyDict } from '../dict.ts'
import type { BranchId, Cancellation, QuestionId, StepEnding, StepId, WaitReason } from '../machine-events.ts'
import type { QuestionStatus } from '../people/questions-slice.ts'
import type { RunReason, StepAnswer } from '../result.ts'
import type { StatusTransitions } from '../transition-to.ts'

/**
 * The status of an open step. `ready`: it serves a request and was not started. `running`: it executes, or is being
 * stopped. `waiting`: it waits for what its reason says.
 */
export type StepStatus = 'ready' | 'running' | 'waiting'

/** A step that ends leaves the state. */
export const stepTransitions: StatusTransitions<StepStatus> = {
  ready: ['running'],
  running: ['waiting'],
  waiting: ['running', 'waiting'],
}

/** An open step. */
export interface Step {
  /** The id: `BRANCH#n`, or `STEP>wait` for a step that serves a request. */
  readonly id: StepId
  /** The id of its branch. */
  readonly branch: BranchId
  /** The name of its node. */
  readonly node: string
  /** The name of its agent. */
  readonly agent: string
  /** The number of invocations above it. */
  readonly depth: number
  /** The request that it serves; undefined for a step of a branch. */
  readonly serve:
    | {
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
        /** How long the requesting step waits for the reply, in ms; undefined for no limit. */
        readonly timeoutMs: number | undefined
      }
    | undefined
  /** The status. */
  status: StepStatus
  /** The time of its start in ms since 1970; 0 before. */
  startedAt: number
  /** The edges that its agent may use, as they were when it started; an execution after a crash gets the same. */
  flow: Flow | undefined
  /** The taint labels of its input, as they were when it started. */
  taint: readonly TaintLabel[]
  /** Why it waits; undefined while it does not wait. */
  reason: WaitReason | undefined
  /** Why it is being stopped; undefined if it is not. */
  cancellation: Cancellation | undefined
  /** The uncertain effect, why its code does not fit the journal, or the calls of a parked step; undefined otherwise. */
  detail: Json | undefined
  /** The failure that a breakpoint holds; undefined otherwise. */
  suspendedEnding: StepEnding | undefined
  /** The status of each question that it has asked. */
  questions: { [question: QuestionId]: QuestionStatus | undefined }
  /** The ids of the steps that serve its open requests. */
  requests: { [step: StepId]: true | undefined }
  /** The ids of the trips of guardrails that the run has recorded; absent without any. */
  trips?: string[]
  /** The number of its open questions. */
  openQuestions: number
  /** The number of its open requests. */
  openRequests: number
  /** The number of its requests whose serving steps are blocked. */
  blockedRequests: number
  /** The ids of the child runs that it waits for. */
  children: { readonly [run: string]: true }
  /** The number of the child runs that it waits for. */
  childCount: number
  /** The number of those that wait themselves. */
  waitingChildCount: number
  /** True if it waits for a person, a resolution, other code, or child runs that wait. */
  blocked: boolean
}

/** A child run that waits, as it reported. */
export interface WaitingChild {
  readonly step: StepId
  readonly reason: RunReason
  /** The ids of its open questions. */
  readonly questions: readonly string[]
}

export interface StepsSlice {
  readonly open: Map<StepId, Step>
  readonly waitingChildren: Map<string, WaitingChild>
  /** The answers that a step may not have read yet. */
  readonly answers: Map<StepId, StepAnswer[]>
  /** The number of open requests (`ctx.request`) by requesting and requested agent. */
  readonly requestEdges: { [agent: string]: { [other: string]: number } }
  /** The number of executing steps, those that are being stopped included. */
  executing: number
  /** The number of these without serving steps, which counts against `maxParallelBranches`. */
  parallel: number
  uncertain: number
  codeChanged: number
  /** The number of steps that wait for something outside this run, and of those whose child runs do not all wait. */
  external: number
  movingExternal: number
}

export const createStepsSlice = (): StepsSlice => ({
  open: new Map(),
  waitingChildren: new Map(),
  answers: new Map(),
  requestEdges: dict(),
  executing: 0,
  parallel: 0,
  uncertain: 0,
  codeChanged: 0,
  external: 0,
  movingExternal: 0,
})

/** Returns a step without questions, requests and child runs. */
export const createStep = (
  fields: Pick<Step, 'id' | 'branch' | 'node' | 'agent' | 'depth' | 'serve' | 'status'>,
): Step => ({
  id: fields.id,
  branch: fields.branch,
  node: fields.node,
  agent: fields.agent,
  depth: fields.depth,
  serve: fields.serve,
  status: fields.status,
  startedAt: 0,
  flow: undefined,
  taint: [],
  reason: undefined,
  cancellation: undefined,
  detail: undefined,
  suspendedEnding: undefined,
  questions: emptyDict(),
  requests: emptyDict(),
  openQuestions: 0,
  openRequests: 0,
  blockedRequests: 0,
  children: emptyDict(),
  childCount: 0,
  waitingChildCount: 0,
  blocked: false,
})
