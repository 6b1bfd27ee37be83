/** Executes one request as its caller, and records and answers the result. */
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import {
  concealErrorsInParts,
  failure,
  hashText,
  isLongValue,
  jsonInParts,
  macrotaskWithTime,
  TimeSlice,
  TroupeError,
} from '../core/index.ts'
import { admittedOf, recorded } from './access/admit.ts'
import { showsErrorTexts } from './access/error-texts.ts'
import { requestEventContext } from './access/request-event-context.ts'
import { keyOf } from './access/request-principal.ts'
import { answerIdempotently } from './answers/answer-idempotently.ts'
import { bindCursor, openCursor } from './answers/cursors.ts'
import { problemOf } from './answers/problem-details.ts'
import { requestContextOf } from './request-context.ts'
import type { Call, Route } from './route.ts'
import { requireAgentAccess } from './routes/agent-access.ts'
import type { Site } from './site.ts'
import { countStream } from './streams/count-stream.ts'
import type { Frame } from './streams/frame.ts'
import { sendEvents } from './streams/send-events.ts'

type AnyCall = Call<unknown, unknown, unknown>
const one = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value)

/** The parts of an authenticated request. */
export const callOf = (site: Site, route: Route, reply: FastifyReply): AnyCall => new OwnCall(site, route, reply)

/** A class, since closures of an object literal's accessors would live until a major garbage collection. */
class OwnCall implements AnyCall {
  readonly troupe
  readonly parts
  readonly feeds
  readonly updateStreams
  readonly principal
  readonly user
  readonly agent
  readonly requestContext
  readonly params
  readonly query
  readonly body
  readonly idempotencyId: string | undefined
  readonly header: AnyCall['header']
  readonly status: AnyCall['status']
  readonly setHeader: AnyCall['setHeader']
  readonly #site: Site
  readonly #reply: FastifyReply
  readonly #isStream: boolean
  #end: AbortSignal | undefined
  #orchestra: AnyCall['orchestra'] | undefined

  constructor(site: Site, route: Route, reply: FastifyReply) {
    const { troupe, parts, feeds, updateStreams } = site
    const { request } = reply
    const { principal, user, agent } = admittedOf(request)
    this.troupe = troupe
    this.parts = parts
    this.feeds = feeds
    this.updateStreams = updateStreams
    this.principal = principal
    this.user = user
    this.agent = agent
    // A request without a user may be rejected.
    if (!route.needsNoUser) this.#orchestra = troupe.user(user).orchestra
    this.requestContext = requestContextOf(parts, principal, user, agent)
    this.params = request.params
    this.query = openCursor({ path: route.path, user, agent, params: request.params, query: request.query })
    this.body = request.body
    this.header = (name) => one(request.headers[name])
    this.status = (code) => void reply.code(code)
    this.setHeader = (name, value) =>
      void reply.header(name, name === 'location' ? request.server.prefix + value : value)
    const repeatable = route.method === 'POST' ? this.header('idempotency-key') : undefined
    this.idempotencyId =
      repeatable === undefined ? undefined : hashText(JSON.stringify([principal.id, route.path, repeatable]))
    this.#site = site
    this.#reply = reply
    this.#isStream = 'events' in route
  }

  get orchestra(): AnyCall['orchestra'] {
    this.#orchestra ??= this.troupe.user(this.user).orchestra
    return this.#orchestra
  }

  /** Created on first use, since most requests are answered before a signal is needed. */
  get signal(): AbortSignal {
    this.#end ??= endOf(this.#site, this.#reply, this.#isStream)
    return this.#end
  }
}

/** Aborts when the caller disconnects before the answer, when the answer of a stream ends, or when the server drains. */
function endOf({ draining, activeRequests }: Site, { raw }: FastifyReply, isStream: boolean): AbortSignal {
  const ends = new AbortController()
  if (draining.aborted || raw.destroyed) {
    ends.abort()
    return ends.signal
  }
  activeRequests.add(ends)
  raw.once('close', () => {
    activeRequests.delete(ends)
    // An answered request needs no abort, whose error would cost a tenth of a small request.
    // The answer of a stream may end before its source: to a HEAD request, and when the key of its caller ends.
    if (isStream || !raw.writableFinished) ends.abort()
  })
  return ends.signal
}

/**
 * Runs the handler so that the audit log records the caller of its actions and rejected actions. Events and log lines of the
 * request, and of the work that it starts, carry the id of the request.
 */
export function executeRequest(site: Site, route: Route, call: AnyCall, reply: FastifyReply): Promise<unknown> {
  const { principal, user, agent } = call
  const { audit, callers } = site.parts.security
  const { events } = site.parts.platform
  const by = <Out>(run: () => Out) => callers.within(principal, () => audit.by({ key: keyOf(principal), agent }, run))
  return by(() =>
    recorded(site, { operation: route.operation, principal, user: route.needsNoUser ? undefined : user }, () =>
      events.within(requestEventContext(events, user, reply.request), () =>
        mapDrainError(site, async () => {
          // Requests that arrive together share the time of a macrotask.
          await macrotaskWithTime(site.parts.platform.clock)
          await requireAgentAccess(route, call)
          requireErrorTexts(site, route, call, reply)
          return handled(site, route, call, reply)
        }),
      ),
    ),
  )
}

/** @throws AccessDeniedError `request.forbidden` */
function requireErrorTexts({ parts }: Site, route: Route, { principal }: AnyCall, { request }: FastifyReply): void {
  if (!route.quotesErrors || showsErrorTexts(principal, parts.security.roles, request)) return
  const problem = 'it quotes errors of code, which operators read: admins of all users with audit.read'
  throw failure('request.forbidden', { operation: route.operation, problem })
}

/** Replaces the cancellation of a request that waits when the server drains with an error that can be retried. */
async function mapDrainError<T>({ draining }: Site, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (draining.aborted && error instanceof TroupeError && error.code === 'cancelled') throw failure('server.draining')
    throw error
  }
}

async function handled(site: Site, route: Route, call: AnyCall, reply: FastifyReply): Promise<unknown> {
  if ('handle' in route) {
    if (route.code !== undefined) reply.code(route.code)
    const { path } = route
    const { user, agent, params, query } = call
    const answer = await answerIdempotently(route, call, reply, async () =>
      concealFrom(site, call, reply, route, bindCursor({ path, user, agent, params, query }, await route.handle(call))),
    )
    leaveRecord(site, route, call)
    // The caller has the answer.
    if (reply.statusCode === 304) return reply.send()
    if (!isLongValue(answer)) return answer
    const encoded = z.safeEncode(route.answer, answer)
    // Fastify reports an answer that its schema does not allow.
    if (!encoded.success) return answer
    const text = await new TimeSlice(site.parts.platform.clock).finish(jsonInParts(encoded.data), 1)
    return reply
      .type('application/json; charset=utf-8')
      .serializer((body: unknown) => body as string)
      .send(text)
  }
  if ('text' in route) {
    const text = await route.text(call)
    leaveRecord(site, route, call)
    return reply.header('content-type', route.type).send(typeof text === 'string' ? text : Readable.from(text))
  }
  // Counted first, since the work of a rejected stream would begin.
  const release = countStream(site, call.principal)
  try {
    const frames = await route.events(call)
    leaveRecord(site, route, call)
    if (!frames) return reply.code(204).send()
    await stream(site, call, reply, concealFrames(site, call, reply, route, frames))
    return reply
  } finally {
    release()
  }
}

/** Records each executed request in the audit log, also if the called operation does not record itself. */
function leaveRecord({ parts }: Site, route: Route, { user, params }: AnyCall): void {
  const { operation } = route
  const isRead = route.method === 'GET' || route.isRead === true
  // Probes call every few seconds and read no data of users.
  if (isRead && operation === 'metrics.read') return
  const names = Object.values((params ?? {}) as Readonly<Record<string, string>>)
  const isEntry = operation.startsWith('context.')
  const resource = names.length === 0 ? {} : { [isEntry ? 'entry' : 'resource']: names.join(' ') }
  parts.security.audit.answered(
    route.needsNoUser ? '' : user,
    { operation: route.audit ?? operation, ...resource },
    isRead,
  )
}

/** Errors of users' code may stand in stored records, which belong to users. */
const mayQuoteErrors = ({ operation }: Route) => !operation.startsWith('context.')

async function concealFrom<T>(
  { parts }: Site,
  { principal }: AnyCall,
  { request }: FastifyReply,
  route: Route,
  answer: T,
): Promise<T> {
  if (!mayQuoteErrors(route) || showsErrorTexts(principal, parts.security.roles, request)) return answer
  return new TimeSlice(parts.platform.clock).finish(concealErrorsInParts(answer), 1)
}

async function* concealFrames(
  site: Site,
  call: AnyCall,
  reply: FastifyReply,
  route: Route,
  frames: AsyncIterable<Frame>,
): AsyncGenerator<Frame> {
  for await (const frame of frames) yield { ...frame, data: await concealFrom(site, call, reply, route, frame.data) }
}

async function stream(site: Site, { signal, principal }: AnyCall, reply: FastifyReply, frames: AsyncIterable<Frame>) {
  const { clock } = site.parts.platform
  const { log } = site.parts.observability
  const { request } = reply
  reply.hijack()
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'x-accel-buffering': 'no',
    // After the end of a stream, no other request of the connection waits.
    connection: 'close',
  })
  if (request.method === 'HEAD') return void reply.raw.end()
  const { heartbeatMs, stalledMs } = site.settings
  try {
    const problemFrame = (error: unknown): Frame => ({
      event: 'problem',
      data: problemOf(error, request, log, showsErrorTexts(principal, site.parts.security.roles, request)),
    })
    const lastFrame = async () =>
      (await site.isSessionValid(request)) ? undefined : problemFrame(failure('request.anonymous'))
    const times = { heartbeatMs, stalledMs }
    await sendEvents(reply.raw, withProblem(frames, problemFrame), { clock, signal, times, lastFrame })
  } catch (error) {
    log.warn('a stream ended early', { request: request.id, error: error as Error })
    reply.raw.destroy()
  }
}

/** Sends an error after the beginning of the stream as its last event. */
async function* withProblem(
  frames: AsyncIterable<Frame>,
  problemFrame: (error: unknown) => Frame,
): AsyncGenerator<Frame> {
  try {
    yield* frames
  } catch (error) {
    yield problemFrame(error)
  }
}
