/**
 * The services of the runtime for agents: models, prices, policies of tools, budgets. One object per troupe, or per
 * step.
 */
import type { Json, Platform, Recording, TaintLabel } from '../core/index.ts'
import type { Body, ClaimRows } from '../journal/index.ts'
import type { Models } from '../models/index.ts'
import type { Policies } from '../resilience/index.ts'
import type { Sandboxes } from '../sandbox/index.ts'
import type { CompiledRule, TaintGuard } from '../security/index.ts'
import type { Fragment } from '../storage/index.ts'
import type { OpenedSource, ToolSource } from '../tools/index.ts'
import type { Memories } from './memory/memories-port.ts'

export interface Budget {
  /** Returns the rows that reserve before a call starts; the storage rejects them with `budget.exceeded`. */
  reserve(id: string, estimate: { readonly tokens: number; readonly cost: number }): ClaimRows
  /**
   * Returns the tokens that the run and its parents have left, without reserved ones; undefined if none limits its
   * tokens.
   */
  tokensLeft(): Promise<number> | undefined
  /** Returns the rows that replace the reservation by the usage. */
  charge(
    id: string,
    used: {
      readonly tokens: number
      readonly cost: number
      readonly inputTokens?: number
      readonly outputTokens?: number
    },
  ): Fragment
  /** Returns the rows that count a call without a reservation, also above the limit: later reservations are then rejected. */
  spend(used: { readonly tokens: number; readonly cost: number }): Fragment
}

export interface StoredMessage {
  readonly message: Json
  readonly taint: readonly TaintLabel[]
  /** The run that added the message to a thread of the user; absent for a session, and in threads inside of runs. */
  readonly run?: string
}

/** The stored messages of threads, by user. They are appended in the change of the turn. */
export interface ThreadMessages {
  load(user: string, thread: string): Promise<readonly StoredMessage[]>
  /** @param added.taint of the step that adds them */
  append(
    user: string,
    thread: string,
    from: number,
    added: {
      readonly messages: readonly Body[]
      readonly taint: readonly TaintLabel[]
      readonly run?: string | undefined
    },
  ): Fragment
  /** Deletes the messages of a thread. */
  forget(user: string, thread: string): Fragment
  /** Deletes the messages of the threads whose ids begin with the prefix, and the working memories of these threads. */
  forgetPrefix(user: string, prefix: string): Fragment
}

/** The statistics of one tool of an agent for one user. */
export interface ToolStatistics {
  /** Steps that offered it. */
  readonly offers: number
  readonly calls: number
  readonly successes: number
  readonly durationMs: number
}

export interface ToolRecords {
  read(user: string, agent: string): Promise<ReadonlyMap<string, ToolStatistics>>
  /** Returns the rows that add to the stored statistics. */
  add(user: string, agent: string, tool: string, more: ToolStatistics): Fragment
}

/** The calls to the outside, with their policies and cassette. An evaluation shares them with the enclosing troupe. */
export interface ExternalServices {
  readonly models: Models
  /** Sources of tools that are open in this troupe, or are opened now. */
  readonly toolSources: { open(source: ToolSource): OpenedSource }
  /** The policies of tools and agents by name. */
  readonly policies?: { readonly tools: Policies; readonly agents: Policies } | undefined
  /** Answers in place of models and tools, or records their answers; absent in most troupes. */
  readonly recording?: Recording | undefined
}

/** An offer of an agent to its model as text, with its measures. */
export interface MeasuredOffer {
  readonly text: string
  /** The estimated number of tokens in a prompt. */
  readonly tokens: number
  readonly hash: string
}

export interface Services {
  readonly platform: Pick<Platform, 'clock' | 'events'>
  readonly external: ExternalServices
  /** Threads, memories and tool records of each user. */
  readonly records: {
    readonly threadMessages: ThreadMessages
    readonly memories: Memories
    readonly toolRecords: ToolRecords
  }
  readonly guard: TaintGuard
  /** Absent in parts of a troupe that tests open by themselves. */
  readonly sandboxes?: Sandboxes
  /** The latest offers, by the definitions of their agents; absent as `sandboxes`. */
  readonly offers?: WeakMap<object, MeasuredOffer>
  /** The limits of a run for its steps. */
  readonly limits: {
    /** Rules of the team, of the caller and of the runs above, pinned in the run. */
    readonly teamRules?: readonly (readonly CompiledRule[])[]
    /** Absent outside a run. */
    readonly budget?: Budget
    /** Milliseconds; absent = none. */
    readonly timeouts: { readonly tool?: number; readonly model?: number; readonly human?: number }
    /** Tools before whose calls the run stops to be looked at. */
    readonly breakOn?: readonly string[]
    /** Counts a tool call of this run for the guard of repetition. */
    readonly repetition?: (agent: string, tool: string, args: Json, result: Json) => RepetitionVerdict
  }
}

/** The verdict of the repetition guard: `used` is the number of equal calls, `limit` the number that ends the step. */
export interface RepetitionVerdict {
  readonly verdict: 'go' | 'nudge' | 'stop'
  readonly used: number
  readonly limit: number
}
