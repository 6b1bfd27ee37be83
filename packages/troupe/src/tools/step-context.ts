/** The `ctx` of a step and of its tools: clients whose answers are recorded and whose writes are staged. */
import type { ContextClient } from '../context/index.ts'
import type { Json, Question, TroupeError } from '../core/index.ts'
import type { EffectSpec, OutsideFunction } from '../journal/index.ts'
import type { MessageClient, MessageType, RequestOptions } from '../messaging/index.ts'
import type { UserMetrics } from '../observability/index.ts'
import type { Sandbox } from '../sandbox/index.ts'

export interface StepContext {
  readonly agent: string
  readonly runId: string | undefined
  readonly signal: AbortSignal
  readonly context: ContextClient
  readonly messages: MessageClient
  /** Metrics of the application, stored by the minute, for all agents of the user. */
  readonly metrics: UserMetrics
  /** Executes code on the files of the run, or of the thread of a session. Handlers of messages have no sandbox. */
  readonly sandbox: Sandbox
  /**
   * Executes an effect outside Troupe. If the step has read untrusted and sensitive data, an effect of class `idempotent` or
   * `at-most-once` needs a person's approval of its exact `input`, or is rejected, as `policy.taint` says.
   * @throws AccessDeniedError `taint.rejected`
   */
  effect<Out>(name: string, spec: EffectSpec<Out>, fn: OutsideFunction<Out>): Promise<Out>
  /**
   * Declares that the value holds none of the data that the step has read. The taint is removed, and the reason is recorded
   * as an incident. Only in function agents; a model cannot call it.
   * @throws ValidationError `taint.misplaced` in a tool of an LlmAgent
   * @example const total = await ctx.declassify(sum(rows), 'a sum of whole numbers')
   */
  declassify<T>(value: T, reason: string): Promise<T>
  ask(question: AskOptions): Promise<Json>
  request<P, R>(type: MessageType<P, R>, payload: P, options: RequestOptions): Promise<R>
  /**
   * Starts a child run with its own journal and a part of this run's budget. It is cancelled with this step.
   * @throws ValidationError outside a run, and for a topology that `check` rejects; NotFoundError `team.unknown`
   * @example const { response } = await (await ctx.startRun({ task, topology: patterns.pipeline({ stages }) })).result()
   */
  startRun(spec: ChildRunSpec): Promise<ChildRun>
  commit(): Promise<void>
  /** ms since 1970, recorded. */
  now(): number
  /** In [0, 1), recorded. */
  random(): number
}

/** The team: exactly one of the three, as in `orchestra.start`. */
type ChildTeam =
  | { readonly team: string; readonly agent?: undefined; readonly topology?: undefined }
  | { readonly agent: string | object; readonly team?: undefined; readonly topology?: undefined }
  | { readonly topology: object; readonly team?: undefined; readonly agent?: undefined }

export type ChildRunSpec = ChildTeam & {
  readonly task: unknown
  /** As in `orchestra.start`. Its budget is checked against the rest of this run's budget. */
  readonly config?: object
  readonly tags?: readonly string[]
}

/** A run that a step has started. */
export interface ChildRun {
  readonly id: string
  /** Resolves when the child run has ended. The step occupies no process meanwhile. */
  result(): Promise<ChildRunResult>
  cancel(): Promise<void>
}

export interface ChildRunResult {
  readonly status: 'completed' | 'failed' | 'cancelled'
  readonly success: boolean
  readonly response?: Json
  readonly totalSteps: number
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number }
  readonly cost: { readonly usd: number; readonly unknown: readonly string[] }
  readonly durationMs: number
  readonly guard?: {
    readonly name: string
    readonly limit: number
    readonly used: number
    /** Drawn by other runs of the tree and not used yet. */
    readonly held?: number
    readonly by?: readonly { readonly run: string; readonly held: number }[]
  }
  readonly error?: TroupeError
}

/** The kind of a question; `question` by default. */
export type AskOptions = Omit<Question, 'kind'> & Partial<Pick<Question, 'kind'>>
