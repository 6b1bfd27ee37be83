/** Serves MCP at `/mcp` with the keys, roles and checks of all other routes. */
import type { FastifyInstance } from 'fastify'
import { failure, loadOptional } from '../../core/index.ts'
import { createMcpEndpoint, type McpEndpoint } from '../../protocols/index.ts'
import { coversOperation, coversRole } from '../../security/index.ts'
import { type Admit, admittedOf } from '../access/admit.ts'
import { requestEventContext } from '../access/request-event-context.ts'
import { accessOf, keyOf } from '../access/request-principal.ts'
import { cutStalled, recheckPeriodically } from '../access/session-guard.ts'
import type { Site } from '../site.ts'
import { countStream } from '../streams/count-stream.ts'
import { answerInterrupted } from './answer-interrupted.ts'
import { isGreeting, isSubscription, McpCalls } from './mcp-calls.ts'

/** The maximal number of messages in one request: protocol version 2025-03 allows batches. */
const largestBatch = 100
const sessionHeader = 'mcp-session-id'

export function addMcp(app: FastifyInstance, site: Site, admit: Admit): void {
  const { troupe, parts, settings, draining } = site
  const { events } = parts.platform
  const calls = new McpCalls()
  let endpoint: Promise<McpEndpoint> | undefined
  app.route({
    method: ['POST', 'GET', 'DELETE'],
    url: '/mcp',
    schema: { hide: true },
    bodyLimit: settings.bodyLimit,
    onRequest: (request, reply) => admit({ role: 'readonly', operation: 'mcp', agents: 'own' }, request, reply),
    handler: async (request, reply) => {
      const { principal, user, agent } = admittedOf(request)
      const { body } = request
      if (Array.isArray(body) && body.length > largestBatch)
        throw failure('request.invalid', { problem: `a batch has ${largestBatch} messages at most` })
      endpoint ??= createMcpEndpoint(troupe)
      const [serve, { toNodeHandler }] = await Promise.all([
        endpoint,
        loadOptional('MCP over HTTP', '@modelcontextprotocol/node', () => import('@modelcontextprotocol/node')),
      ])
      const identity = {
        user,
        agent,
        access: accessOf(principal, parts.security.roles),
        may: (operation: Parameters<typeof coversOperation>[1], least: Parameters<typeof coversRole>[2]) =>
          coversRole(parts.security.roles, principal.role, least) && coversOperation(principal.operations, operation),
      }
      const release = isSubscription(body) ? countStream(site, principal) : undefined
      reply.hijack()
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) reply.raw.setHeader(name, value)
      if (isGreeting(body)) reply.raw.setHeader(sessionHeader, parts.platform.ids.next())
      const session = request.headers[sessionHeader]
      const callScope = [principal.id, user, agent, session]
      const ends = session === undefined ? undefined : calls.begin(callScope, body)
      const left = new AbortController()
      const isSessionValid = () => site.isSessionValid(request)
      const cancels = isSubscription(body)
        ? [
            recheckPeriodically(parts.platform.clock, settings.heartbeatMs, isSessionValid, () => left.abort()),
            cutStalled(reply.raw, parts.platform.clock, settings.stalledMs),
          ]
        : []
      const fetch = async (web: Request) => {
        const signal = AbortSignal.any([web.signal, draining, left.signal, ...(ends ? [ends.signal] : [])])
        const response = await serve(identity, new Request(web, { signal }), body, settings.heartbeatMs)
        return answerInterrupted(response, { draining, request: request.id, body })
      }
      const handle = toNodeHandler({ fetch })
      try {
        await parts.security.callers.within(principal, () =>
          parts.security.audit.by({ key: keyOf(principal), agent }, () =>
            events.within(requestEventContext(events, user, request), () =>
              handle(request.raw as never, reply.raw as never, body),
            ),
          ),
        )
      } finally {
        for (const cancel of cancels) cancel()
        release?.()
        if (ends) calls.end(callScope, body, ends)
      }
      return reply
    },
  })
}
