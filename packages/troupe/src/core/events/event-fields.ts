/** Fields that several events have. */

export type AlertFields = {
  /** The name of the alert rule. */
  readonly alert: string
  readonly severity: 'warning' | 'critical'
  readonly metric: string
  /** The statistic of the metric that the rule compares: `count`, `p95`, … */
  readonly statistic: string
  readonly value: number
  readonly threshold: number
}

export type ApiKeyFields = {
  /** The id of the API key. */
  readonly key: string
}

export type AgentOfUserFields = { readonly agent: string }

export type EntryVersionFields = AgentOfUserFields & {
  readonly key: string
  readonly version: number
  readonly revision: number
}

/** What failed with an error. */
export type FailedFields = {
  /** The error code. */
  readonly code: string
  /** The id under which the log has the error, and callers of the server get it; absent for errors of Troupe's own. */
  readonly errorId?: string
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
  readonly messageType: string
}
export type MessageAttemptFields = TypedMessageFields & {
  /** Counted from 1. */
  readonly attempt: number
}

export type CalledFields = {
  readonly success: boolean
  readonly durationMs: number
  /** The error code; absent on success. */
  readonly code?: string
  /** As `errorId` of other failures. */
  readonly errorId?: string
}

export type RunFields = {
  readonly runId: string
  /** The position of the event in the run's journal, counted from 1. */
  readonly seq: number
  /** The agents through whose invocations the event came about, the first one first; empty for the run as a whole. */
  readonly path: readonly string[]
}
export type BranchFields = RunFields & {
  readonly branch: string
  readonly agent: string
}
export type StepFields = BranchFields & { readonly step: string }
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

export type ScheduleFields = { readonly scheduleId: string }

export type RestoredFields = {
  /** The id of the installation that made the backup. */
  readonly installation: string
}
