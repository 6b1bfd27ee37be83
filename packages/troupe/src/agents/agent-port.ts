/**
 * What an agent is to those who run it: a definition (immutable once used) that carries out one step at a time and says
 * where the run goes next. Function agents, LlmAgents, pools, remote agents and humans all stand behind this.
 */
import { type ContentPart, failure, fieldOf, type Json, type Schema, type TaintLabel } from '../core/index.ts'
import type { Recorder } from '../journal/index.ts'
import type { ModelUsage } from '../models/index.ts'
import type { StepContext } from '../tools/index.ts'
import type { Services } from './services-port.ts'

export type { Question } from '../core/index.ts'
export type { AskOptions, ChildRun, ChildRunResult, ChildRunSpec, StepContext } from '../tools/index.ts'

/** Where the run goes after a step; what a function agent returned, or a model's coordination tool said. */
export type Outcome = Routing & { readonly report?: StepReport }

export type Routing =
  /** Along the only way there is, or back to who invoked it. */
  | { readonly kind: 'value'; readonly value: Json }
  /** To several in parallel, or to one; met again where the topology has a way back. */
  | { readonly kind: 'invoke'; readonly targets: readonly { readonly agent: string; readonly input: Json }[] }
  /** To another, for good; `history`: what the other is shown of the thread, `carried`: that, as the step has made it. */
  | {
      readonly kind: 'handOff'
      readonly agent: string
      readonly input: Json
      readonly history?: CarriedHistory['kind']
      readonly carried?: CarriedHistory
    }
  | { readonly kind: 'finish'; readonly value: Json }

/** What a hand-off carries of the thread of the agent that hands off. */
export type CarriedHistory = {
  readonly kind: 'summary' | 'all'
  /** Oldest first; `from` is an agent, or `user` for what an agent was asked. */
  readonly lines: readonly HistoryLine[]
  /** So many lines of a summary by rules were left out behind its first. */
  readonly omitted?: number
}
export type HistoryLine = { readonly from: string; readonly text: string }

/** The ways that the topology leaves open to this agent at this step. */
export interface Flow {
  readonly invoke: readonly string[]
  readonly handOff: readonly string[]
  readonly finish: boolean
  readonly askUser: boolean
  /** Where a plain value goes; undefined where it would be ambiguous, and a model is steered instead. */
  readonly value: 'back' | 'along' | 'end' | undefined
}

/** What a step cost and did, for results and events; absent for agents that call no model. */
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
  /** Another model than the first of its chain answered, at least once. */
  readonly fallback?: { readonly from: string; readonly to: string; readonly reason: string }
}
export type ToolCallReport = {
  readonly id: string
  readonly name: string
  readonly args: Json
  readonly success: boolean
  readonly result: Json
}

/** How much of a budget a call takes before it starts. */
export interface Usage {
  readonly inputTokens: number
  readonly outputTokens: number
  /** US dollars; undefined where the price is not known. */
  readonly cost?: number
}

/** What a stored conversation lacks, and what it came with. */
export interface UnsavedMessages {
  readonly messages: readonly Json[]
  readonly taint: readonly TaintLabel[]
}

/**
 * @param agent who acts, where that is not the agent of the step
 * @param within rights of those who act for it, besides its own: what one of them may not do is not done
 */
export type CtxOf = (recorder: Recorder, agent?: string, within?: readonly AgentAccess[]) => StepContext

/** A message that wants a reply. */
export interface ReceivedRequest {
  readonly type: string
  readonly payload: Json
  readonly from: string
}

/** @throws ValidationError where an application calls `step`, which a run calls with what it made for the step */
export function checkStepEntry(agent: string, entry: unknown): void {
  if (typeof fieldOf(fieldOf(fieldOf(entry, 'recorder'), 'signal'), 'aborted') !== 'boolean')
    throw failure('validation.failed', { what: `The step of ${agent}`, problem: 'a run calls it, and no application' })
}

/** Everything one step is given. */
export interface StepEntry {
  readonly input: Json
  readonly ctx: StepContext
  readonly recorder: Recorder
  /** The same context on another stage of this step (`recorder.child`, `recorder.body`): for tools and helpers. */
  readonly ctxOf: CtxOf
  /** Tools that those for whom it acts are denied, whatever its own definition grants. */
  readonly denied?: ReadonlySet<string>
  readonly flow: Flow
  /** What the agents that `flow` names say of themselves. */
  readonly descriptions?: ReadonlyMap<string, string>
  /** What came with the hand-off that brought the branch here. */
  readonly history?: CarriedHistory
  readonly services: Services
  /** Names the conversation that this step goes on with: of the branch in a run, of the thread in a session. */
  readonly thread: string
  /** In a run: what the agent was asked when its branch came to it, before anything it invoked has met. */
  readonly request?: Json
  /** The request that this step answers, for who stands for others. */
  readonly serve?: ReceivedRequest
  /** Where the input is the meeting of a fan-out this agent began: per invocation, in order. */
  readonly results?: readonly {
    readonly agent: string
    readonly success: boolean
    readonly value?: Json
    readonly error?: Json
  }[]
  /**
   * Told once how to find what a stored conversation of so many messages lacks if the step is cut off now, every open
   * call answered as cut off.
   */
  readonly onThread?: (unsaved: (stored: number) => UnsavedMessages) => void
  /** Called with what the step has used so far, whenever that grows: shown while the step waits. */
  readonly onSpent?: (spent: Pick<StepReport, 'usage' | 'cost'>) => void
  /** Live parts (tokens, progress): not stored, may be dropped. */
  readonly live?: (part: Json) => void
  /** Live parts that tell of calls of tools, where they are to be shown. */
  readonly onCall?: (part: Json) => void
}

export interface AgentAccess {
  readonly role?: string
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
}

/** Types of what an agent takes and gives, for the compiler alone: no agent has a value there. */
export interface AgentTypes<In, Out> {
  /** A method, so that an agent of certain inputs is an `Agent<unknown>`, too. */
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
  /** Names of the tools on its definition: granted by that, unless `access` denies them. */
  readonly toolNames?: readonly string[] | undefined
  /** Of the code and settings, as far as they can be seen: pinned when a run starts. */
  readonly fingerprint: string
  /** The code of a function agent, for `check`. */
  readonly source?: string | undefined
  /** What it lacks to be carried out: `check` refuses a run of it, and another process doesn't go on with one. */
  readonly incomplete?: string | undefined
  /**
   * The runtime calls it once for each step. A subclass of `LlmAgent` may override it and call `super.step(entry)`.
   * @returns the outcome; throws what failed
   */
  step(entry: StepEntry): Promise<Outcome>
  /** Answers a request; absent, `step` answers with the payload as input. */
  serve?(message: ReceivedRequest, entry: StepEntry): Promise<Json>
}
