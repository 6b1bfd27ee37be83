/** The context of the events of a request over HTTP: its id, and its place in a trace. */
import type { FastifyRequest } from 'fastify'
import { type EventContext, type Events, eventContextBelow, type UserId } from '../../core/index.ts'
import { parseTraceparent } from '../../observability/index.ts'

/**
 * Returns the context of the events of a request: its id, and the current span of the application's OpenTelemetry or else the
 * span that the header `traceparent` names. An invalid header is ignored.
 */
export function requestEventContext(events: Events, user: UserId, { id, headers }: FastifyRequest): EventContext {
  const { traceparent } = headers
  const named = typeof traceparent === 'string' ? parseTraceparent(traceparent) : undefined
  const caller = events.surroundingSpan(user) ?? named
  return { userId: user, requestId: id, ...eventContextBelow(caller) }
}
