/** The `ctx` of a step and of its tools: clients whose answers are recorded and whose writes are staged. */
import type { ContextClient } from '../context/index.ts'
import type { ExactlyOne, Json, Question, TroupeError } from '../core/index.ts'
import type { EffectSpec, OutsideFunction } from '../journal/index.ts'
import type { MessageClient, MessageType, RequestOptions } from '../messaging/index.ts'
import type { UserMetrics } from '../observability/index.ts'
import type { Sandbox } from '../sandbox/index.ts'

/**
 * The context of a step: clients whose answers are recorded, and whose writes commit with the turn. After a crash the
 * step is executed again and gets the recorded answers.
 */
export interface StepContext {
  /** The name of the acting agent. */
  readonly agent: string
  /** The id of the run; undefined in a session and in a handler of messages. */
  readonly runId: string | undefined
  /** Aborts when the step is cancelled, has timed out, waits without its process or loses its run. */
  readonly signal: AbortSignal
  /** The context client of the agent. Reads are recorded; writes commit with the turn. */
  readonly context: ContextClient
  /** The message client of the agent. Messages are sent when the turn commits. */
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
  /**
   * Asks a person and waits for the answer; the step occupies no process meanwhile.
   * @returns the answer, or `default` after the timeout
   * @throws TimeoutError after `timeout` if there is no `default`; ValidationError for an invalid question, and in a
   * handler of messages
   */
  ask(question: AskOptions): Promise<Json>
  /**
   * Sends a request to another agent and resolves with the payload of its reply. The turn is committed, and the step
   * occupies no process meanwhile.
   * @throws TimeoutError after `timeout`, 30 s by default; the error with which the recipient failed
   */
  request<P, R>(type: MessageType<P, R>, payload: P, options: RequestOptions): Promise<R>
  /**
   * Starts a child run with its own journal and a part of this run's budget. It is cancelled with this step.
   * @throws ValidationError outside a run, and for a topology that `check` rejects; NotFoundError `team.unknown`
   * @example const { response } = await (await ctx.startRun({ task, topology: patterns.pipeline({ stages }) })).result()
   */
  startRun(spec: ChildRunSpec): Promise<ChildRun>
  /** Ends the turn: staged writes, messages and recorded answers are committed in one change. */
  commit(): Promise<void>
  /** Returns the time in ms since 1970. The value is recorded. */
  now(): number
  /** Returns a random number in [0, 1). The value is recorded. */
  random(): number
}

/** The team, as in `orchestra.start`. */
type ChildTeam = ExactlyOne<{
  /** The name of a registered team. */
  readonly team: string
  /** One agent alone: its definition, or the name of a registered one. */
  readonly agent: string | object
  /** The topology of the child run. */
  readonly topology: object
}>

/** The task and the team of a child run. */
export type ChildRunSpec = ChildTeam & {
  /** The task: a text, content parts or any JSON. */
  readonly task: unknown
  /** As in `orchestra.start`. Its budget is checked against the rest of this run's budget. */
  readonly config?: object
  /** The tags of the child run, for lists of runs; none by default. */
  readonly tags?: readonly string[]
}

/** A run that a step has started. */
export interface ChildRun {
  /** The id of the child run. */
  readonly id: string
  /** Resolves when the child run has ended. The step occupies no process meanwhile. */
  result(): Promise<ChildRunResult>
  /** Cancels the child run and resolves when it has ended. A run that has ended stays as it is. */
  cancel(): Promise<void>
}

/** The result of a child run. */
export interface ChildRunResult {
  /** How the child run ended. */
  readonly status: 'completed' | 'failed' | 'cancelled'
  /** True if the status is `completed`. */
  readonly success: boolean
  /** The response of the run; absent if it has none. */
  readonly response?: Json
  /** The number of steps, those of its own child runs included. */
  readonly totalSteps: number
  /** The tokens of all model calls, those of its own child runs included. */
  readonly usage: {
    /** The number of input tokens. */
    readonly inputTokens: number
    /** The number of output tokens. */
    readonly outputTokens: number
  }
  /** The cost of all model calls. */
  readonly cost: {
    /** The sum in US dollars of the calls whose price is known. */
    readonly usd: number
    /** The models (`provider/model`) whose price is unknown; their calls are missing in `usd`. */
    readonly unknown: readonly string[]
  }
  /** The time from the start to the end in ms. */
  readonly durationMs: number
  /** The guard or budget that ended the run; absent if none did. */
  readonly guard?: {
    /** The name of the guard or budget: `steps`, `tokens`, `repetition`. */
    readonly name: string
    /** The limit that was reached. */
    readonly limit: number
    /** The amount that was used. */
    readonly used: number
    /** The amount that other runs of the tree have drawn and not used yet; absent if it is 0. */
    readonly held?: number
    /** The ten runs that hold most. */
    readonly by?: readonly {
      /** The id of the run. */
      readonly run: string
      /** The amount that the run holds. */
      readonly held: number
    }[]
  }
  /** The error with which the run failed; absent if it did not fail. */
  readonly error?: TroupeError
}

/** The kind of a question; `question` by default. */
export type AskOptions = Omit<Question, 'kind'> & Partial<Pick<Question, 'kind'>>
