/** What a step and the bodies of its tools are given: hands whose answers are recorded and whose writes are staged. */
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
  /** Values under names of one's own, stored by the minute, for all agents of the user. */
  readonly metrics: UserMetrics
  /** Executes code over the files of the run, or of the thread of a session; handlers of messages have none. */
  readonly sandbox: Sandbox
  /**
   * Touches the world. Where untrusted input has met sensitive data, one that is `idempotent` or `at-most-once` needs a person's
   * approval of its exact `input`, or is refused, as `policy.taint` says.
   * @throws AccessDeniedError `taint.rejected`
   */
  effect<Out>(name: string, spec: EffectSpec<Out>, fn: OutsideFunction<Out>): Promise<Out>
  /**
   * Vouches that what the step goes on with holds nothing of what it has read: its taint goes, and the reason is recorded
   * as an incident. In function agents alone; a model has no way to call it.
   * @throws ValidationError `taint.misplaced` in a tool of an LlmAgent
   * @example const total = await ctx.declassify(sum(rows), 'a sum of whole numbers')
   */
  declassify<T>(value: T, reason: string): Promise<T>
  ask(question: AskOptions): Promise<Json>
  request<P, R>(type: MessageType<P, R>, payload: P, options: RequestOptions): Promise<R>
  /**
   * Starts a run of its own: its own journal, a slice of this run's budget, cancelled with this step.
   * @throws ValidationError outside a run, and for a topology that `check` refuses; NotFoundError `team.unknown`
   * @example const { response } = await (await ctx.startRun({ task, topology: patterns.pipeline({ stages }) })).result()
   */
  startRun(spec: ChildRunSpec): Promise<ChildRun>
  commit(): Promise<void>
  /** ms since 1970, recorded. */
  now(): number
  /** In [0, 1), recorded. */
  random(): number
}

/** Exactly one of the three, as `orchestra.start` takes them. */
type ChildTeam =
  | { readonly team: string; readonly agent?: undefined; readonly topology?: undefined }
  | { readonly agent: string | object; readonly team?: undefined; readonly topology?: undefined }
  | { readonly topology: object; readonly team?: undefined; readonly agent?: undefined }

export type ChildRunSpec = ChildTeam & {
  readonly task: unknown
  /** As `orchestra.start` takes it; what it says of the budget is held against what this run has left. */
  readonly config?: object
  readonly tags?: readonly string[]
}

/** A run that a step has started. */
export interface ChildRun {
  readonly id: string
  /** Resolves when it is over; holds no process meanwhile. */
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

/** `question` where no kind is named. */
export type AskOptions = Omit<Question, 'kind'> & Partial<Pick<Question, 'kind'>>
