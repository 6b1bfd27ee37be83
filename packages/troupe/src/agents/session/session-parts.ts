/** The parts that the sessions of a troupe share, and the options of one session. */
import { copyJson, type Json, type Principal, sampledField, type TaintLabel, type UserId } from '../../core/index.ts'
import type { Recorder, Steps } from '../../journal/index.ts'
import type { Message } from '../../messaging/index.ts'
import type { AuditTrail } from '../../security/index.ts'
import type { Storage } from '../../storage/index.ts'
import type { Agent, AgentAccess, StepContext } from '../agent-port.ts'
import type { Budget, Services } from '../services-port.ts'
import { type OpenStep, sessionId } from './thread-store.ts'

/** The steps of sessions. */
export interface SessionSteps extends Steps {
  /**
   * Rejects a call before anything of it is stored: the troupe drains or waits after a restore. Without it, the next call
   * of the thread would execute the rejected one first.
   */
  readonly admit?: () => void
}
/** The services that the sessions of one troupe share. */
export interface SessionParts {
  readonly steps: SessionSteps
  readonly storage: Pick<Storage, 'dialect' | 'read' | 'commit'>
  /** Returns the id of this process on a storage that several processes share; absent on other storages. */
  readonly owner?: (() => string) | undefined
  readonly services: Services
  /** The limits of users per day; absent if there are none. */
  readonly budgetOf?: (user: UserId) => Budget
  readonly audit?: AuditTrail
  /** Creates `ctx` on a recorder, with the rights of the session's agent and of a helper that acts for it. */
  readonly contextOf: (recorder: Recorder, acting: Acting) => StepContext
  /** Sends a text to another agent of the user, outside of a step. */
  readonly send: (user: UserId, from: Agent, to: string, content: Json) => Promise<Message>
}
export interface Acting {
  /** The agent of the session, whose rights apply. */
  readonly agent: Agent
  /** The acting agent: the agent of the session or its helper. */
  readonly name: string
  readonly user: UserId
  readonly ask: StepContext['ask']
  readonly thread: string
  /** The context of the step, if the recorder belongs to one of its stages. */
  readonly over?: Pick<StepContext, 'context' | 'sandbox'>
  /** The rights of agents that act for it, besides its own. */
  readonly within?: readonly AgentAccess[]
}

/** How a call executes the open step of a thread. */
export interface SessionEntry {
  /** Called with the parts of the answer. */
  readonly live?: (part: Json) => void
  /** `first`: the call has begun the step. `restart`: the process that executed it has ended. */
  readonly entry?: 'first' | 'restart'
  /** True if no step before this one has continued the thread. */
  readonly isNewThread?: boolean
}

/** Notifies watchers that something of a session waits no longer for a person. */
export function approvalClosed(
  { services: { platform }, user: userId }: Pick<SessionOptions, 'services' | 'user'>,
  thread: string,
) {
  const approval = sessionId(thread)
  platform.events.emit({ type: 'approval.closed', at: platform.clock.now(), userId, approval })
}

/** Validates a message before anything is stored. @throws ValidationError for a value that is not JSON */
export const copyOf = (input: Json, what = 'The input of the agent'): Json => copyJson(input, what)

/** Returns the fields of an open step for its execution, and for the events about it. */
export const stepFieldsOf = (
  { user, threadId }: Pick<SessionOptions, 'user' | 'threadId'>,
  name: string,
  { step, startedAt, callerSpan }: OpenStep,
) => ({
  id: step,
  principal: { userId: user, kind: 'agent', name } satisfies Principal,
  threadId,
  ...(startedAt === undefined ? {} : { startedAt }),
  ...(callerSpan ? { traceId: callerSpan.traceId, parentSpan: callerSpan.spanId, ...sampledField(callerSpan) } : {}),
})

export interface SessionThread {
  readonly user: UserId
  readonly threadId: string
}
export type SessionOptions = SessionParts & SessionThread

/** The options of a call of a session. */
export interface SessionCallOptions {
  /**
   * Cancels the call. The call rejects with CancelledError, and the open tool calls of the thread are answered as
   * aborted.
   */
  readonly signal?: AbortSignal
  /** The taint labels of the message: `untrusted:mail` for text of a stranger, `sensitive:payroll` for secret data. */
  readonly taint?: readonly TaintLabel[]
}
