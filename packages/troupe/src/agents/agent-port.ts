/**
 * The interface of an agent: a definition, immutable once used, that executes one step at a time and decides where the run
 * continues. Function agents, LlmAgents, pools, remote agents and humans implement it.
 */
import { type ContentPart, failure, fieldOf, type Json, type Schema, type TaintLabel } from '../core/index.ts'
import type { Recorder } from '../journal/index.ts'
import type { ModelUsage } from '../models/index.ts'
import type { StepContext } from '../tools/index.ts'
import type { Services } from './services-port.ts'

export type { Question } from '../core/index.ts'
export type { AskOptions, ChildRun, ChildRunResult, ChildRunSpec, StepContext } from '../tools/index.ts'

/** Where the run continues after a step: the return value of a function agent, or the coordination tool that a model called. */
export type Outcome = Routing & { readonly report?: StepReport }

export type Routing =
  /** To the only next agent, or back to the agent that invoked this one. */
  | { readonly kind: 'value'; readonly value: Json }
  /** To one agent or several in parallel. Their results are joined if the topology has an edge back. */
  | { readonly kind: 'invoke'; readonly targets: readonly { readonly agent: string; readonly input: Json }[] }
  /** To another agent, without a return. `history`: what the other agent sees of the thread; `carried`: that part, made by the step. */
  | {
      readonly kind: 'handOff'
      readonly agent: string
      readonly input: Json
      readonly history?: CarriedHistory['kind']
      readonly carried?: CarriedHistory
    }
  | { readonly kind: 'finish'; readonly value: Json }

/** The part of the thread that a hand-off carries to the next agent. */
export type CarriedHistory = {
  readonly kind: 'summary' | 'all'
  /** The oldest line first; `from` is an agent, or `user` for the input of an agent. */
  readonly lines: readonly HistoryLine[]
  /** The number of lines that a summary by rules left out after its first line. */
  readonly omitted?: number
}
export type HistoryLine = { readonly from: string; readonly text: string }

/** The edges of the topology that this agent may use at this step. */
export interface Flow {
  readonly invoke: readonly string[]
  readonly handOff: readonly string[]
  readonly finish: boolean
  readonly askUser: boolean
  /** Where a plain value goes; undefined if it is ambiguous, so that a model must call a tool. */
  readonly value: 'back' | 'along' | 'end' | undefined
}

/** The cost and the calls of a step, for results and events; absent for agents that call no model. */
export type StepReport = {
  /** The last text of the model. */
  readonly text: string
  readonly usage: ModelUsage
  readonly cost: { readonly usd: number; readonly unknown: readonly string[] }
  readonly toolCalls: readonly ToolCallReport[]
  /** `provider/model` of the last answer. */
  readonly model: string
  /** The last answer of the model, if it has more than text. */
  readonly content?: readonly ContentPart[]
  /** The log probabilities of the last answer as the provider reports them, if the settings ask for them. */
  readonly logprobs?: Json
  /** Present if at least once a later model of its chain answered. */
  readonly fallback?: { readonly from: string; readonly to: string; readonly reason: string }
}
export type ToolCallReport = {
  readonly id: string
  readonly name: string
  readonly args: Json
  readonly success: boolean
  readonly result: Json
}

/** The part of a budget that a call reserves before it starts. */
export interface Usage {
  readonly inputTokens: number
  readonly outputTokens: number
  /** In US dollars; undefined if the price is unknown. */
  readonly cost?: number
}

/** The messages that a stored thread lacks, with their taint labels. */
export interface UnsavedMessages {
  readonly messages: readonly Json[]
  readonly taint: readonly TaintLabel[]
}

/**
 * @param agent the acting agent, if it is not the agent of the step
 * @param within the rights of agents that act for it. An action is rejected unless it and each of them may perform it.
 */
export type CtxOf = (recorder: Recorder, agent?: string, within?: readonly AgentAccess[]) => StepContext

/** A message that expects a reply. */
export interface ReceivedRequest {
  readonly type: string
  readonly payload: Json
  readonly from: string
}

/** @throws ValidationError if an application calls `step`, which only a run may call */
export function checkStepEntry(agent: string, entry: unknown): void {
  if (typeof fieldOf(fieldOf(fieldOf(entry, 'recorder'), 'signal'), 'aborted') !== 'boolean')
    throw failure('validation.failed', { what: `The step of ${agent}`, problem: 'a run calls it, and no application' })
}

/** The input and the services of one step. */
export interface StepEntry {
  readonly input: Json
  readonly ctx: StepContext
  readonly recorder: Recorder
  /** The same context on another stage of this step (`recorder.child`, `recorder.body`): for tools and helpers. */
  readonly ctxOf: CtxOf
  /** Tools that are denied to the agents for which it acts, regardless of its own grants. */
  readonly denied?: ReadonlySet<string>
  readonly flow: Flow
  /** The descriptions of the agents that `flow` names. */
  readonly descriptions?: ReadonlyMap<string, string>
  /** The history that came with the hand-off to this agent. */
  readonly history?: CarriedHistory
  readonly services: Services
  /** The id of the thread that this step continues: that of the branch in a run, or of the session. */
  readonly thread: string
  /** In a run: the input with which its branch reached the agent, before any join of agents that it invoked. */
  readonly request?: Json
  /** The request that this step answers, for an agent that represents others. */
  readonly serve?: ReceivedRequest
  /** The results of a fan-out that this agent started, if the input is their join: one per invocation, in order. */
  readonly results?: readonly {
    readonly agent: string
    readonly success: boolean
    readonly value?: Json
    readonly error?: Json
  }[]
  /**
   * Registers a function that returns the messages which a stored thread of the given length lacks if the step is aborted
   * now. Each open call is answered as aborted.
   */
  readonly onThread?: (unsaved: (stored: number) => UnsavedMessages) => void
  /** Called with the usage of the step so far whenever it grows, so that it is visible while the step waits. */
  readonly onSpent?: (spent: Pick<StepReport, 'usage' | 'cost'>) => void
  /** Live parts (tokens, progress): not stored, may be dropped. */
  readonly live?: (part: Json) => void
  /** Live parts about calls of tools, if they are shown. */
  readonly onCall?: (part: Json) => void
}

export interface AgentAccess {
  readonly role?: string
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
}

/** The types of an agent's input and output, for the compiler only: the field has no value. */
export interface AgentTypes<In, Out> {
  /** A method, so that an agent with a certain input type is also an `Agent<unknown>`. */
  input(value: In): void
  readonly output: Out
}

export interface Agent<In = never, Out = unknown> {
  readonly types?: AgentTypes<In, Out>
  readonly name: string
  readonly description?: string | undefined
  readonly inputSchema?: Schema | undefined
  readonly outputSchema?: Schema | undefined
  readonly access: AgentAccess
  /** The names of its tools. They are granted unless `access` denies them. */
  readonly toolNames?: readonly string[] | undefined
  /** A hash of its code and settings, as far as they are visible. A run pins it at its start. */
  readonly fingerprint: string
  /** The source code of a function agent, for `check`. */
  readonly source?: string | undefined
  /** What it lacks to be executed. `check` rejects a run of it, and no process resumes one. */
  readonly incomplete?: string | undefined
  /**
   * Executes a step; called by the runtime. A subclass of `LlmAgent` may override it and call `super.step(entry)`.
   * @returns the outcome; throws the error of the step
   */
  step(entry: StepEntry): Promise<Outcome>
  /** Answers a request; absent, `step` answers with the payload as input. */
  serve?(message: ReceivedRequest, entry: StepEntry): Promise<Json>
}
