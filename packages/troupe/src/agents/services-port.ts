/** What the runtime lends to agents: models, prices, tools' policies, budgets. One object per troupe, or per step. */
import type { Clock, Events, Json } from '../core/index.ts'
import type { Models } from '../models/index.ts'
import type { Fragment } from '../storage/index.ts'

export interface Budget {
  /** Rows that reserve before a call starts; refused with `budget.exceeded` by the storage. */
  reserve(id: string, estimate: { readonly tokens: number; readonly cost: number }): Fragment
  /** Rows that replace the reservation by what was used. */
  settle(
    id: string,
    used: {
      readonly tokens: number
      readonly cost: number
      readonly inputTokens?: number
      readonly outputTokens?: number
    },
  ): Fragment
}

/** The messages of one conversation, kept per user; appended in the change of the turn. */
export interface Conversations {
  load(user: string, conversation: string): Promise<readonly Json[]>
  append(user: string, conversation: string, from: number, messages: readonly Json[]): Fragment
}

export interface Services {
  readonly clock: Clock
  readonly events: Events
  readonly models: Models
  readonly conversations: Conversations
  /** Absent outside a run. */
  readonly budget?: Budget
  /** Milliseconds; absent = none. */
  readonly timeouts: { readonly tool?: number; readonly model?: number }
  /** Counts a tool call of this run for the guard of repetition: nudge, stop or go on. */
  readonly repetition?: (agent: string, tool: string, args: Json, result: Json) => 'go' | 'nudge' | 'stop'
}
