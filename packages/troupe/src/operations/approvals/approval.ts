/** What waits for a person, of a run, a session or a message handler. */
import type { RunQuestion, RunSummary, UncertainEffectOfRun } from '../../runs/index.ts'

/** A run, a session or a message handler that waits for a person, with its open questions and uncertain effects. */
export interface OpenApproval extends Pick<RunSummary, 'team' | 'usage' | 'cost' | 'endedAt'> {
  /** The argument of `answer`, `resolve` and `cancel`: `run:RUN`, `session:THREAD/AGENT` or `message:ATTEMPT`. */
  readonly id: string
  /** What waits: a run, an agent in a thread, or the handler of a message. A handler asks no questions. */
  readonly origin: 'run' | 'session' | 'handler'
  /** The id of the run. */
  readonly run?: string
  /** The id of the thread of a session. */
  readonly threadId?: string
  /** The agent of the session, or the mailbox of the handler. Absent if the message is not stored any more. */
  readonly agent?: string
  /** The ids of the messages that were handled; several for a batch. */
  readonly messages?: readonly string[]
  /**
   * Why it waits; `question` also if only a branch of a run waits. Absent for another run that has ended or is in progress, and for
   * a step that was cancelled.
   */
  readonly reason?: string
  /** The beginning of the task or of the first message of the thread; the message type of a handler. */
  readonly title: string
  /** The time at which the run started; of a session or handler, since when it waits. ISO 8601 text. */
  readonly createdAt: string
  /** The open questions, for `answer`. */
  readonly questions: readonly RunQuestion[]
  /** The effects whose outcome is unknown, for `resolve`. */
  readonly uncertain: readonly UncertainEffectOfRun[]
}

/** What waits for a person, in a list of all users. */
export interface UserApproval extends OpenApproval {
  /** The id of the user. */
  readonly user: string
}

/** The options of `user.approvals.list` and `troupe.listApprovals`: the page. */
export interface ApprovalListOptions {
  /** The number of items of a page, 1 to 500; 50 by default. */
  readonly limit?: number
  /** The cursor of the previous page. */
  readonly cursor?: string
  /** Rejects the call with CancelledError if it aborts. */
  readonly signal?: AbortSignal
}
