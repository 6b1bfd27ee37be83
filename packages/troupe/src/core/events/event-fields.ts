/** Fields that several events have. */

export type AlertFields = {
  /** The name of the alert rule. */
  readonly alert: string
  /** The severity of the rule. */
  readonly severity: 'warning' | 'critical'
  /** The name of the metric. */
  readonly metric: string
  /** The statistic of the metric that the rule compares: `count`, `p95`, … */
  readonly statistic: string
  /** The value of the statistic. */
  readonly value: number
  /** The threshold of the rule. */
  readonly threshold: number
}

export type ApiKeyFields = {
  /** The id of the API key. */
  readonly key: string
}

export type ApprovalFields = {
  /** The id of the run, session or message handler in the list of approvals. */
  readonly approval: string
}

export type AgentOfUserFields = {
  /** The name of the agent. */
  readonly agent: string
}

export type EntryVersionFields = AgentOfUserFields & {
  /** The key of the entry. */
  readonly key: string
  /** The version of the entry. */
  readonly version: number
  /** The revision of the user's context. */
  readonly revision: number
}

/** What failed with an error. */
export type FailedFields = {
  /** The error code. */
  readonly code: string
  /** The id under which the log has the error, and callers of the server get it; absent for errors of Troupe's own. */
  readonly errorId?: string
}

/** The fields of a call with texts, of an embedding or a reranking model. */
export type TextsFields = {
  /** `provider/model`. */
  readonly model: string
  /** False if the call failed. */
  readonly success: boolean
  /** The duration of the call, in ms. */
  readonly durationMs: number
  /** The error code; absent on success. */
  readonly code?: string
  /** The number of texts; absent on failure. */
  readonly texts?: number
}

export type AddressedMessageFields = {
  /** The id of the message. */
  readonly id: string
  /** The name of the recipient. */
  readonly to: string
}
export type TypedMessageFields = AddressedMessageFields & {
  /** The name of the sender. */
  readonly from: string
  /** The name of the message type. */
  readonly messageType: string
}
export type MessageAttemptFields = TypedMessageFields & {
  /** The delivery attempt, counted from 1. */
  readonly attempt: number
}

export type CalledFields = {
  /** False if it failed. */
  readonly success: boolean
  /** The duration in ms. */
  readonly durationMs: number
  /** The error code; absent on success. */
  readonly code?: string
  /** The id under which the log has the error; absent for errors of Troupe's own. */
  readonly errorId?: string
}

export type OfRunFields = {
  /** The id of the run. */
  readonly runId: string
}

export type RunFields = OfRunFields & {
  /** The position of the event in the run's journal, counted from 1. */
  readonly seq: number
  /** The agents through whose invocations the event came about, the first one first; empty for the run as a whole. */
  readonly path: readonly string[]
}
/** The fields of the end of a run, branch or step. */
export type EndFields = {
  /** The start of what ended, in ms since 1970; absent for what a fork has from its source. */
  readonly startedAt?: number
}
export type StepEndFields = EndFields & {
  /** The attempt of the step, counted from 1; absent for what a fork has from its source. */
  readonly attempt?: number
}

export type BranchFields = RunFields & {
  /** The id of the branch. */
  readonly branch: string
  /** The agent of the branch. */
  readonly agent: string
}
export type StepFields = BranchFields & {
  /** The id of the step. */
  readonly step: string
}
export type JoinFields = RunFields & {
  /** The id of the join. */
  readonly joinId: string
}
export type QuestionFields = BranchFields & {
  /** The id of the question. */
  readonly question: string
  /** Absent for a question of a branch without an open step. */
  readonly step?: string
}

export type ScheduleFields = {
  /** The id of the schedule. */
  readonly scheduleId: string
}

export type RestoredFields = {
  /** The id of the installation that made the backup. */
  readonly installation: string
}

/** The fields of a call of a language model. */
export type ModelCalledFields = CalledFields & {
  /** `provider/model`. */
  readonly model: string
  /** The tokens of the prompt; absent on failure, as are the next three. */
  readonly inputTokens?: number
  /** The tokens of the answer. */
  readonly outputTokens?: number
  /** The input tokens that were read from the provider's cache; absent if there are none. */
  readonly cacheReadTokens?: number
  /** The input tokens that were written to the provider's cache; absent if there are none. */
  readonly cacheWriteTokens?: number
  /**
   * The settings that the AI SDK left out of the request, since this model does not accept them; absent if there are
   * none.
   */
  readonly ignored?: readonly string[]
  /** Why the model stopped: `stop`, `length`, `tool-calls`, … */
  readonly finish?: string
  /** US dollars; absent if the price of the model is unknown. */
  readonly cost?: number
  /** The id of the answer, as the provider gave it; absent if it gave none. */
  readonly responseId?: string
  /** The model that answered, as the provider names it; absent if it names none. */
  readonly responseModel?: string
}
