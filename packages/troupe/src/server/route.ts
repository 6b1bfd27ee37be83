/** One route of the table: its input, the rights that it needs, and its handler. */
import { z } from 'zod'
import type { TroupeParts } from '../operations/index.ts'
import type { Orchestra } from '../runs/index.ts'
import type { LeastRole } from '../security/index.ts'
import type { Troupe } from '../startup/index.ts'
import type { RequestedOperation, RequestPrincipal } from './access/request-principal.ts'
import type { RequestContext } from './request-context.ts'
import type { Feeds } from './streams/feeds.ts'
import type { Frame } from './streams/frame.ts'
import type { UpdateStreams } from './streams/update-streams.ts'

/** A validated and authenticated request as its handler gets it. */
export interface Call<Params, Query, Body> {
  readonly troupe: Troupe
  readonly parts: TroupeParts
  readonly feeds: Feeds
  readonly updateStreams: UpdateStreams
  readonly principal: RequestPrincipal
  /** The user whose data the request is about. */
  readonly user: string
  /** The agent as which the caller acts; absent: the application. */
  readonly agent: string | undefined
  readonly orchestra: Orchestra
  readonly requestContext: RequestContext
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** Aborts when the connection closes. */
  readonly signal: AbortSignal
  /** Derived from the Idempotency-Key: a repeated operation with the same id happens once. */
  readonly idempotencyId: string | undefined
  readonly header: (name: string) => string | undefined
  /** Sets headers of an answer without a JSON body. */
  readonly status: (code: number) => void
  readonly setHeader: (name: string, value: string) => void
}

/**
 * The access of a caller that acts as an agent. `own`: everything that its agent may do by the rules of context, messages and
 * teams. `run`: only if its agent has a step in the run of the path, or has started the run. `step`: only if the step of the
 * path belongs to its agent. `started`: only if its agent has started the run.
 */
export type AgentCallers = 'own' | 'run' | 'step' | 'started'

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

interface Common<Params, Query, Body> {
  readonly route: `${Method} /${string}`
  /** The id of the operation in the OpenAPI document and in clients: `runs.list`. */
  readonly name: string
  readonly operation: RequestedOperation
  readonly role: LeastRole
  readonly summary: string
  /** The route reads no user's data, so a request need not name a user; the default if it is about all users. */
  readonly needsNoUser?: true
  /** The route is about all users: a caller that is bound to some users or to an agent is rejected. */
  readonly allUsers?: true
  /** Absent: a caller who acts as an agent is rejected. */
  readonly agents?: AgentCallers
  /** Its name in the audit log if the called method records nothing itself; the operation by default. */
  readonly audit?: string
  /** Its answer quotes errors of users' code, so only callers that may read such errors get it. */
  readonly quotesErrors?: true
  /** It changes no data, although its method is not GET. */
  readonly isRead?: true
  readonly params?: z.ZodType<Params>
  readonly query?: z.ZodType<Query>
  readonly body?: z.ZodType<Body>
}
export interface AnswerRoute<Params, Query, Body, Answer> extends Common<Params, Query, Body> {
  readonly answer: z.ZodType<Answer>
  /** The status of the answer; 200 by default. */
  readonly code?: 200 | 201 | 202
  /** The answer has an ETag, and a request with the same ETag gets 304. */
  readonly tagged?: true
  readonly handle: (call: Call<Params, Query, Body>) => Promise<Answer>
}
export interface EventsRoute<Params, Query, Body> extends Common<Params, Query, Body> {
  /** The schema of each event's data. */
  readonly data: z.ZodType
  /**
   * Resolves once the stream can begin; an earlier rejection is answered as a problem. Resolves with undefined if no event is
   * left for a returning reader: the answer is 204, after which an EventSource stops.
   */
  readonly events: (call: Call<Params, Query, Body>) => Promise<AsyncIterable<Frame> | undefined>
}
/** An answer that is not JSON. */
export interface TextRoute<Params, Query, Body> extends Common<Params, Query, Body> {
  readonly type: string
  /** The text, or its pieces if it is long. */
  readonly text: (call: Call<Params, Query, Body>) => Promise<string | AsyncIterable<string>>
}
export type Route = (
  | AnswerRoute<unknown, unknown, unknown, unknown>
  | EventsRoute<unknown, unknown, unknown>
  | TextRoute<unknown, unknown, unknown>
) & { readonly method: Method; readonly path: string }

function routeOf<R extends Common<never, never, never>>(row: R): Route {
  const [method, path] = row.route.split(' ')
  return { ...row, method, path, ...(row.allUsers ? { needsNoUser: true } : {}) } as unknown as Route
}

/** Keeps the types of handler and schemas consistent. */
export const answers = <Params, Query, Body, Answer>(route: AnswerRoute<Params, Query, Body, Answer>): Route =>
  routeOf(route as never)

export const streams = <Params, Query, Body>(route: EventsRoute<Params, Query, Body>): Route => routeOf(route as never)

export const texts = <Params, Query, Body>(route: TextRoute<Params, Query, Body>): Route => routeOf(route as never)

const done = z.object({ ok: z.literal(true) })

/** A route that does something and answers `{ ok: true }`. */
export const does = <Params, Query, Body>({
  handle,
  ...route
}: Common<Params, Query, Body> & { readonly handle: (call: Call<Params, Query, Body>) => Promise<unknown> }): Route =>
  answers({
    ...route,
    answer: done,
    handle: async (call: Call<Params, Query, Body>) => {
      await handle(call)
      return { ok: true as const }
    },
  })
