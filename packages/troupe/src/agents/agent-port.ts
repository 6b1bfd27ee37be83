/**
 * The interface of an agent: a definition, immutable once used, that executes one step at a time and decides where the run
 * continues. Function agents, LlmAgents, pools, remote agents and humans implement it.
 */
import {
  type ContentPart,
  fieldOf,
  invalidInput,
  type Json,
  type Schema,
  type TaintLabel,
  type UsageByModel,
} from '../core/index.ts'
import type { Recorder } from '../journal/index.ts'
import type { FinishReason, ModelUsage } from '../models/index.ts'
import type { StepContext } from '../tools/index.ts'
import type { Services } from './services-port.ts'

export type { Question } from '../core/index.ts'
export type { AskOptions, ChildRun, ChildRunResult, ChildRunSpec, StepContext } from '../tools/index.ts'

/**
 * Where the run continues after a step: the return value of a function agent, or the coordination tool that a model
 * called.
 */
export type Outcome = Routing & {
  /** The usage and the tool calls of the step; absent for an agent that calls no model. */
  readonly report?: StepReport
}

/** Where the run continues: a plain value, invocations, a hand-off or the end. */
export type Routing =
  /** To the only next agent, or back to the agent that invoked this one. */
  | {
      readonly kind: 'value'
      /** The result of the step. */
      readonly value: Json
    }
  /** To one agent or several in parallel. Their results are joined if the topology has an edge back. */
  | {
      readonly kind: 'invoke'
      /** The invocations, in the order of their results. Each is one branch. */
      readonly targets: readonly {
        /** The name of the invoked agent. */
        readonly agent: string
        /** The input of its step. */
        readonly input: Json
      }[]
    }
  /**
   * To another agent, without a return. `history`: what the other agent sees of the thread; `carried`: that part, made
   * by the step.
   */
  | {
      readonly kind: 'handOff'
      /** The name of the agent that takes over. */
      readonly agent: string
      /** The input of its first step. */
      readonly input: Json
      /** The part of the thread that the other agent sees; absent, it sees none. */
      readonly history?: CarriedHistory['kind']
      /** The part of the thread that the step has made for `history`; the step of an agent sets it. */
      readonly carried?: CarriedHistory
    }
  | {
      readonly kind: 'finish'
      /** The response of the run, or of the branch if the run has several. */
      readonly value: Json
    }

/** The part of the thread that a hand-off carries to the next agent. */
export type CarriedHistory = {
  /** `summary` for a summary of the thread, `all` for every message. */
  readonly kind: 'summary' | 'all'
  /** The oldest line first; `from` is an agent, or `user` for the input of an agent. */
  readonly lines: readonly HistoryLine[]
  /** The number of lines that a summary by rules left out after its first line. */
  readonly omitted?: number
}
/** One message of a carried thread. */
export type HistoryLine = {
  /** The name of an agent, or `user` for the input of an agent. */
  readonly from: string
  /** The text of the message. */
  readonly text: string
}

/** The edges of the topology that this agent may use at this step. */
export interface Flow {
  /** The names of the agents that this agent may invoke; their results come back to it. */
  readonly invoke: readonly string[]
  /** The names of the agents to which this agent may hand off. */
  readonly handOff: readonly string[]
  /** True if this agent may end the run, or its branch, with a response. */
  readonly finish: boolean
  /** True if this agent may ask the user and wait for the answer. */
  readonly askUser: boolean
  /** Where a plain value goes; undefined if it is ambiguous, so that a model must call a tool. */
  readonly value: 'back' | 'along' | 'end' | undefined
}

/** The cost and the calls of a step, for results and events; absent for agents that call no model. */
export type StepReport = {
  /** The last text of the model. */
  readonly text: string
  /** The tokens of all model calls of the step, those of helper agents and guardrails included. */
  readonly usage: ModelUsage
  /** The cost of all model calls of the step. */
  readonly cost: {
    /** The sum in US dollars of the calls whose price is known. */
    readonly usd: number
    /** The models (`provider/model`) whose price is unknown; their calls are missing in `usd`. */
    readonly unknown: readonly string[]
  }
  /** The part of each model, without calls that a fork shares with its source; absent for agents of other frameworks. */
  readonly models?: UsageByModel
  /**
   * The calls of tools and helper agents, rejected ones included, in the order of the model. Calls that route the run
   * (`invoke_agent`, `hand_off`, `ask_user`, `finish`) are not listed.
   */
  readonly toolCalls: readonly ToolCallReport[]
  /** `provider/model` of the last answer. */
  readonly model: string
  /** Why the model ended its last answer. */
  readonly finish?: FinishReason
  /** The last answer of the model, if it has more than text. */
  readonly content?: readonly ContentPart[]
  /** The log probabilities of the last answer as the provider reports them, if the settings ask for them. */
  readonly logprobs?: Json
  /** Present if at least once a later model of its chain answered. */
  readonly fallback?: {
    /** `provider/model` of the first model of the chain, which failed. */
    readonly from: string
    /** `provider/model` of the model that answered. */
    readonly to: string
    /** The message of the error that caused the fallback. */
    readonly reason: string
  }
}
/** A tool call of a model with its result. */
export type ToolCallReport = {
  /** The id that the provider gave to the call. */
  readonly id: string
  /** The name of the tool, or of the agent that is called like a tool. */
  readonly name: string
  /** The arguments that the model sent. */
  readonly args: Json
  /** True if the tool returned a result; false if it failed or was rejected. */
  readonly success: boolean
  /** The result that the model reads; for a failed call the error as JSON. */
  readonly result: Json
}

/** A check of a guardrail that stopped or redacted content, without the content and the reason. */
export type GuardrailTrip = {
  /** Identifies the check within its step; the same when the step is executed again. */
  readonly id: string
  /** The name of the agent whose guardrail it is: that of the step, or a helper of it. */
  readonly agent: string
  /** The name of the guardrail. */
  readonly guardrail: string
  /** Whether it checked an input or an output of the agent. */
  readonly direction: 'input' | 'output'
  /** `redact`: the step continued with redacted content. `ask`: a person decides. `stop`: the step of the agent failed. */
  readonly action: 'redact' | 'ask' | 'stop'
}

/** The messages that a stored thread lacks, with their taint labels. */
export interface UnsavedMessages {
  readonly messages: readonly Json[]
  readonly taint: readonly TaintLabel[]
}

/**
 * Creates the context of a step on one of its stages, for tools and helper agents.
 * @param agent the acting agent, if it is not the agent of the step
 * @param within the rights of agents that act for it. An action is rejected unless it and each of them may perform it.
 */
export type CtxOf = (recorder: Recorder, agent?: string, within?: readonly AgentAccess[]) => StepContext

/** A message that expects a reply. */
export interface ReceivedRequest {
  /** The name of the message type. */
  readonly type: string
  /** The payload of the message. */
  readonly payload: Json
  /** The name of the agent that requests. */
  readonly from: string
}

/** @throws ValidationError if an application calls `step`, which only a run may call */
export function checkStepEntry(agent: string, entry: unknown): void {
  if (typeof fieldOf(fieldOf(fieldOf(entry, 'recorder'), 'signal'), 'aborted') !== 'boolean')
    throw invalidInput(`The step of ${agent}`, 'only a run may call it')
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
  /** The history that came with the hand-off to this agent, or what the thread of the user has said. */
  readonly history?: CarriedHistory
  /** True if `history` is what `thread` holds: an agent that reads the thread ignores it. */
  readonly isOwnHistory?: boolean
  readonly services: Services
  /** The id of the thread that this step continues: that of the branch in a run, or of the session. */
  readonly thread: string
  /** True if no step before this one has continued the thread, so that it had no message when this step began. */
  readonly isNewThread?: boolean
  /** The run that continues a thread of the user with this step; absent in a session, and for a thread inside of a run. */
  readonly threadRun?: string
  /** In a run: the input with which its branch reached the agent, before any join of agents that it invoked. */
  readonly request?: Json
  /** The request that this step answers, for an agent that represents others. */
  readonly serve?: ReceivedRequest
  /** The results of the join that is the input, in the order of invocation. */
  readonly results?: readonly {
    readonly agent: string
    readonly success: boolean
    readonly value?: Json
    readonly error?: Json
  }[]
  /**
   * The first agent that this agent invoked, if `results` are those of its invocations; absent if they are those of branches
   * that met at its node. A policy may leave its failure out of `results`.
   */
  readonly invoked?: string
  /**
   * Registers a function that returns the messages which a stored thread of the given length lacks if the step is aborted
   * now. Each open call is answered as aborted.
   */
  readonly onThread?: (unsaved: (stored: number) => UnsavedMessages) => void
  /** Called with the usage of the step so far whenever it grows, so that it is visible while the step waits. */
  readonly onSpent?: (spent: Pick<StepReport, 'usage' | 'cost' | 'models'>) => void
  /** Called at each execution with each check that trips, also for one of the record; absent outside a run. */
  readonly onTripped?: (trip: GuardrailTrip) => void
  /** Live parts (tokens, progress): not stored, may be dropped. */
  readonly live?: (part: Json) => void
  /** Live parts about calls of tools, if they are shown. */
  readonly onCall?: (part: Json) => void
}

/** The rights of an agent: a role, narrowed by two lists. */
export interface AgentAccess {
  /** The role, which determines the built-in tools; `contributor` by default. */
  readonly role?: string
  /** The built-in tools of the role that the agent may use: all if absent, none if empty. */
  readonly allow?: readonly string[]
  /** The tools that the agent may not use, its own tools included. It overrides `allow` and the role. */
  readonly deny?: readonly string[]
}

/** The types of an agent's input and output, for the compiler only: the field has no value. */
export interface AgentTypes<In, Out> {
  /** A method, so that an agent with a certain input type is also an `Agent<unknown>`. */
  input(value: In): void
  /** The type of the output. */
  readonly output: Out
}

/**
 * An agent, as `defineAgent`, `LlmAgent`, `AgentPool` and `defineRemoteAgent` create it. An object with these members
 * can take part in a topology too.
 */
export interface Agent<In = never, Out = unknown> {
  /** The types of input and output for the compiler; no value. */
  readonly types?: AgentTypes<In, Out>
  /** The name, unique in a topology. Messages, grants and the edges of a topology use it. */
  readonly name: string
  /** What the agent does: models that may invoke it, hand off to it or call it like a tool read this text. */
  readonly description?: string | undefined
  /**
   * The schema of the input, and of the arguments if a model calls the agent like a tool. Absent, any JSON is accepted.
   */
  readonly inputSchema?: Schema | undefined
  /** The schema of the output. Absent, the output is not checked. */
  readonly outputSchema?: Schema | undefined
  /** The rights of the agent. */
  readonly access: AgentAccess
  /** The names of its tools. They are granted unless `access` denies them. */
  readonly toolNames?: readonly string[] | undefined
  /** A hash of its code and settings, as far as they are visible. A run pins it at its start. */
  readonly fingerprint: string
  /** The source code of a function agent, for `check`. */
  readonly source?: string | undefined
  /**
   * The part that is missing for an execution; absent if none is. `check` rejects a run of such an agent, and no
   * process resumes one.
   */
  readonly incomplete?: string | undefined
  /**
   * Executes a step; called by the runtime. A subclass of `LlmAgent` may override it and call `super.step(entry)`.
   * @returns the outcome; throws the error of the step
   */
  step(entry: StepEntry): Promise<Outcome>
  /** Answers a request; absent, `step` answers with the payload as input. */
  serve?(message: ReceivedRequest, entry: StepEntry): Promise<Json>
}
