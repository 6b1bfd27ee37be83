/** Carries out one request: in whose name, with which hands, and what becomes of the answer. */
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { hashText, TroupeError } from '../core/index.ts'
import { type Admitted, recorded } from './admit.ts'
import { answerOnce } from './answer-once.ts'
import { handsOf } from './hands.ts'
import { keyOf } from './principal.ts'
import { problemOf } from './problem.ts'
import type { Call, Exchange, Route } from './route.ts'
import type { Site } from './site.ts'
import type { Frame } from './sse/frame.ts'
import { sendEvents } from './sse/send-events.ts'

type AnyCall = Call<unknown, unknown, unknown>
const one = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value)

export function callOf(site: Site, route: Route, admitted: Admitted, { request, reply }: Exchange): AnyCall {
  const { troupe, parts, feeds } = site
  const { principal, user, agent } = admitted
  const header = (name: string) => one(request.headers[name])
  const repeatable = route.method === 'POST' ? header('idempotency-key') : undefined
  return {
    troupe,
    parts,
    feeds,
    principal,
    user,
    agent,
    orchestra: troupe.user(user).orchestra,
    hands: handsOf(parts, principal, user, agent),
    params: request.params,
    query: request.query,
    body: request.body,
    signal: endOf(site, request, reply),
    once: repeatable === undefined ? undefined : hashText(JSON.stringify([principal.id, route.path, repeatable])),
    header,
    status: (code) => void reply.code(code),
    setHeader: (name, value) => void reply.header(name, name === 'location' ? request.server.prefix + value : value),
  }
}

/** Aborts when the caller goes away before it is answered, or the server drains. */
function endOf({ draining }: Site, { method }: FastifyRequest, reply: FastifyReply): AbortSignal {
  const ends = new AbortController()
  const abort = () => ends.abort()
  draining.addEventListener('abort', abort, { once: true })
  reply.raw.once('close', () => {
    draining.removeEventListener('abort', abort)
    // Answered: nobody is to be told, and the error that an abort makes is a tenth of a small request.
    // Who asked for the head of a stream alone has left what it would follow.
    if (!reply.raw.writableFinished || method === 'HEAD') abort()
  })
  if (draining.aborted) abort()
  return ends.signal
}

/**
 * What is done in it stands in the audit log with who called, and so does what is refused on the way; it, and what it
 * begins, is told and logged with the id of the request.
 */
export function carryOut(site: Site, route: Route, call: AnyCall, exchange: Exchange): Promise<unknown> {
  const { principal, user } = call
  const { audit, events } = site.parts
  return audit.by(keyOf(principal), () =>
    recorded(site, route.operation, principal, () =>
      events.within({ userId: user, requestId: exchange.request.id }, () => handled(site, route, call, exchange)),
    ),
  )
}

async function handled(site: Site, route: Route, call: AnyCall, exchange: Exchange): Promise<unknown> {
  if ('handle' in route) {
    if (route.code !== undefined) exchange.reply.code(route.code)
    return answerOnce(route, call, exchange, () => route.handle(call))
  }
  if ('text' in route) {
    const text = await route.text(call)
    return exchange.reply.header('content-type', route.type).send(typeof text === 'string' ? text : Readable.from(text))
  }
  const frames = await route.events(call)
  if (!frames) return exchange.reply.code(204).send()
  await stream(site, call, exchange, frames)
  return exchange.reply
}

async function stream(site: Site, { signal }: AnyCall, { request, reply }: Exchange, frames: AsyncIterable<Frame>) {
  const { clock, log } = site.parts
  reply.hijack()
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    // Whoever followed a stream to its end has no other request waiting.
    connection: 'close',
  })
  if (request.method === 'HEAD') return void reply.raw.end()
  const { heartbeatMs, stalledMs } = site.settings
  try {
    await sendEvents(reply.raw, telling(frames, request.id), { clock, signal, times: { heartbeatMs, stalledMs } })
  } catch (error) {
    log.warn('a stream ended early', { request: request.id, error: error as Error })
    reply.raw.destroy()
  }
}

/** What fails once the stream has begun is its last event. */
async function* telling(frames: AsyncIterable<Frame>, request: string): AsyncGenerator<Frame> {
  try {
    yield* frames
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error
    yield { event: 'problem', data: problemOf(error, request) }
  }
}
