/** One route as the table has it: what it takes, who may, and what it does. */
import type { z } from 'zod'
import type { TroupeParts } from '../operations/index.ts'
import type { Orchestra } from '../runs/index.ts'
import type { LeastRole, Operation } from '../security/index.ts'
import type { Troupe } from '../startup/index.ts'
import type { RequestPrincipal } from './access/request-principal.ts'
import type { RequestContext } from './request-context.ts'
import type { Feeds } from './streams/feeds.ts'
import type { Frame } from './streams/frame.ts'
import type { UpdateStreams } from './streams/update-streams.ts'

/** One request on its way to a handler: checked, and in the name of somebody. */
export interface Call<Params, Query, Body> {
  readonly troupe: Troupe
  readonly parts: TroupeParts
  readonly feeds: Feeds
  readonly updateStreams: UpdateStreams
  readonly principal: RequestPrincipal
  /** Whose data it is about. */
  readonly user: string
  /** As whom the principal acts; the host where absent. */
  readonly agent: string | undefined
  readonly orchestra: Orchestra
  readonly requestContext: RequestContext
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** Ends with the connection. */
  readonly signal: AbortSignal
  /** Made from the Idempotency-Key: what is done again under it is done once. */
  readonly idempotencyId: string | undefined
  readonly header: (name: string) => string | undefined
  /** Of an answer that has no body of the usual kind. */
  readonly status: (code: number) => void
  readonly setHeader: (name: string, value: string) => void
}

/**
 * What a caller who acts as an agent may do here. `own`: all that its agent may, by the rules of context, messages and teams;
 * `run`: where its agent has a step in the run of the path, or it has started the run; `step`: where the step of the path is
 * its agent's; `started`: where it has started the run.
 */
export type AgentCallers = 'own' | 'run' | 'step' | 'started'

interface Common<Params, Query, Body> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  /** Of the operation in the OpenAPI document and in clients: `runs.list`. */
  readonly name: string
  readonly operation: Operation
  readonly role: LeastRole
  readonly summary: string
  /** The route is about the troupe and reads no user's data: a request need not name a user. */
  readonly needsNoUser?: true
  /** Absent: a caller who acts as an agent is rejected. */
  readonly agents?: AgentCallers
  /** What the audit log calls it where what it calls records nothing by itself; the operation where absent. */
  readonly audit?: string
  /** Its answer quotes errors of users' code in texts of every kind: only callers who read such errors get it. */
  readonly quotesErrors?: true
  /** It changes nothing, whatever its method; a GET never does. */
  readonly isRead?: true
  readonly params?: z.ZodType<Params>
  readonly query?: z.ZodType<Query>
  readonly body?: z.ZodType<Body>
}
export interface AnswerRoute<Params, Query, Body, Answer> extends Common<Params, Query, Body> {
  readonly answer: z.ZodType<Answer>
  /** Of the answer; 200 by default. */
  readonly code?: 200 | 201 | 202
  /** It has an ETag, and is answered with 304 to who has it. */
  readonly tagged?: true
  readonly handle: (call: Call<Params, Query, Body>) => Promise<Answer>
}
export interface EventsRoute<Params, Query, Body> extends Common<Params, Query, Body> {
  /** Of each event's data. */
  readonly data: z.ZodType
  /**
   * Resolves once the stream is sure to begin; what is refused before is a problem like any other. Undefined where nothing
   * is left for who comes back: 204, at which an EventSource ends.
   */
  readonly events: (call: Call<Params, Query, Body>) => Promise<AsyncIterable<Frame> | undefined>
}
/** What is no JSON. */
export interface TextRoute<Params, Query, Body> extends Common<Params, Query, Body> {
  readonly type: string
  /** At once, or piece by piece where it is long. */
  readonly text: (call: Call<Params, Query, Body>) => Promise<string | AsyncIterable<string>>
}
export type Route =
  | AnswerRoute<unknown, unknown, unknown, unknown>
  | EventsRoute<unknown, unknown, unknown>
  | TextRoute<unknown, unknown, unknown>

/** Keeps what handler and schemas say of each other. */
export const answers = <Params, Query, Body, Answer>(route: AnswerRoute<Params, Query, Body, Answer>): Route =>
  route as Route
export const streams = <Params, Query, Body>(route: EventsRoute<Params, Query, Body>): Route => route as Route

export const texts = <Params, Query, Body>(route: TextRoute<Params, Query, Body>): Route => route as Route
